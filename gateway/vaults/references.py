# SPDX-License-Identifier: Apache-2.0
"""Vault references: ``{vault://VAULT/PATH/KEY?OPTION=VALUE#VERSION}``, as Kong reads them.

A reference is the whole string. VAULT is the prefix of a vault in the configuration, or a kind of
vault (``env``, ``file``, ``hcv``, ``aws``) with the settings of the environment. The last segment
of a path with several is the key: the member that is meant of a secret that is a JSON object.
Options stand in for the vault's own settings. (Kong: ``kong/pdk/vault.lua``, 3.10.)
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson

from gateway.entities.types import REFERENCE
from gateway.errors import UnresolvedReference

REFERRING = (
    "plugins",
    "certificates",
    "keyauth_credentials",
    "basicauth_credentials",
    "hmacauth_credentials",
    "jwt_secrets",
    "oauth2_credentials",
    "keys",
    "partials",
)
"""Collections whose fields may hold vault references."""

_PARTS = re.compile(
    r"\{vault://([A-Za-z0-9][A-Za-z0-9._-]*)/([^{}?#]+)(?:\?([^{}#]*))?(?:#(\d{1,9}))?\}"
)
_ENV = re.compile(r"\{vault://env/([^/{}?#]+)(?:/([^/{}?#]+))?\}")


@dataclass(frozen=True)
class Reference:
    """A reference in its parts."""

    text: str
    vault: str
    resource: str
    """The path without the key: what is fetched."""
    key: str | None
    version: int | None
    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Reference | None:
        """Return the reference, or None for a text that is none."""
        found = _PARTS.fullmatch(text)
        if found is None:
            return None
        *before, last = found[2].split("/")
        resource = unquote("/".join(before or [last]))
        key = unquote(last) if before and last else None
        version = int(found[4]) if found[4] else None
        options = dict(parse_qsl(found[3] or "", keep_blank_values=True))
        return cls(text, found[1], resource, key, version, options)


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

    ``environment`` has values by the name of a variable, for the vault ``env``, and by the whole
    reference, for those that were fetched. Raises ``UnresolvedReference`` listing every reference
    that has no value; an empty one counts as none, since it never is a usable secret.
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
    fetched = environment.get(reference)
    if fetched:
        return fetched
    found = _ENV.fullmatch(reference)
    if found is None:
        return None
    return member(environment.get(variable(found[1])), found[2])


def variable(resource: str, prefix: str = "") -> str:
    """Return the name of the environment variable that a resource stands for."""
    return (prefix + resource).upper().replace("-", "_")


def member(secret: str | None, key: str | None) -> str | None:
    """Return a secret, or with a key that member of the JSON object it is; None if it has none."""
    if key is None or not secret:
        return secret or None
    try:
        whole = orjson.loads(secret)
    except orjson.JSONDecodeError:
        return None
    return as_text(whole.get(key)) if isinstance(whole, dict) else None


def as_text(value: Any) -> str | None:
    """Return a member of a secret as text; None for what is no plain value."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return None


def decoded(secret: str | None) -> str | None:
    """Return the text that is stored as Base64; None for what is none."""
    try:
        return None if secret is None else base64.b64decode(secret, validate=True).decode() or None
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
