# SPDX-License-Identifier: Apache-2.0
"""Vault references: ``{vault://env/NAME}`` and ``{vault://env/name/json-key}``.

A reference is the whole string. Names are looked up upper-cased with ``-`` as ``_``; with a key
the variable holds a JSON object of which one member is meant. There is one vault, ``env``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from gateway.entities.types import REFERENCE
from gateway.errors import UnresolvedReference

_ENV = re.compile(r"\{vault://env/([^/{}?#]+)(?:/([^/{}?#]+))?\}")


def references(value: Any) -> set[str]:
    """Return all vault references in a value, at any depth."""
    found: set[str] = set()
    _gather(value, found)
    return found


def _gather(value: Any, found: set[str]) -> None:
    if isinstance(value, str):
        if value.startswith("{vault://") and REFERENCE.fullmatch(value):
            found.add(value)
    elif isinstance(value, Mapping):
        for item in value.values():
            _gather(item, found)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _gather(item, found)


def resolve(value: Any, environment: Mapping[str, str]) -> Any:
    """Return the value with all references replaced; what holds none is returned as it is.

    Raises ``UnresolvedReference`` listing every reference that has no value; an empty variable
    counts as none, since it never is a usable secret.
    """
    found = references(value)
    if not found:
        return value
    known = {reference: look_up(reference, environment) for reference in found}
    missing = [reference for reference, secret in known.items() if secret is None]
    if missing:
        raise UnresolvedReference(missing)
    return _replace(value, known)


def _replace(value: Any, known: Mapping[str, str | None]) -> Any:
    if isinstance(value, str):
        return known.get(value, value)
    if isinstance(value, Mapping):
        return {key: _replace(item, known) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_replace(item, known) for item in value]
    return value


def look_up(reference: str, environment: Mapping[str, str]) -> str | None:
    """Return what a reference stands for, or None."""
    found = _ENV.fullmatch(reference)
    if found is None:
        return None
    name, key = found[1].upper().replace("-", "_"), found[2]
    secret = environment.get(name)
    if key is None or not secret:
        return secret or None
    try:
        member = orjson.loads(secret)
    except orjson.JSONDecodeError:
        return None
    member = member.get(key) if isinstance(member, dict) else None
    if isinstance(member, str):
        return member or None
    if isinstance(member, (int, float)) and not isinstance(member, bool):
        return str(member)
    return None
