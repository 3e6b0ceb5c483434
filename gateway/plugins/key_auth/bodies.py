# SPDX-License-Identifier: Apache-2.0
"""API keys in bodies: reading them, and taking them out without changing anything else."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import orjson

from gateway.errors import RequestRejected
from gateway.kafka import arguments

_FORM = b"application/x-www-form-urlencoded"
_JSON = b"application/json"


def fields(body: bytes, content_type: bytes | None) -> dict[str, Any]:
    """Return the fields of a form or JSON object; none of any other body, or a broken one."""
    if _is(_FORM, content_type):
        return dict(arguments.parse(body))
    return (_object(body) or {}) if _is(_JSON, content_type) else {}


def without(names: Collection[str], body: bytes, content_type: bytes | None) -> bytes:
    """Return the body without these fields; numbers keep their digits.

    Raises ``RequestRejected`` (400) for JSON that cannot be written again: too deep, or with half
    a surrogate pair.
    """
    if _is(_FORM, content_type):
        return without_arguments(names, body)
    found = _object(body) if _is(_JSON, content_type) else None
    if found is None or found.keys().isdisjoint(names):
        return body
    kept = {name: value for name, value in found.items() if name not in names}
    try:
        return orjson.dumps(kept)
    except orjson.JSONEncodeError as error:
        text = "the request's body is JSON that the key cannot be taken out of"
        raise RequestRejected(400, f"{text}: {error}") from None


def without_arguments(names: Collection[str], encoded: bytes) -> bytes:
    """Return a query or form without these arguments; the others stay as they were written."""
    kept = (
        pair
        for pair in encoded.split(b"&")
        if arguments.decode(pair.partition(b"=")[0]) not in names
    )
    return b"&".join(kept)


def _is(kind: bytes, content_type: bytes | None) -> bool:
    return content_type is not None and content_type.strip().lower().startswith(kind)


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(
            body,
            parse_float=orjson.Fragment,
            parse_int=orjson.Fragment,
            parse_constant=orjson.Fragment,
        )
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
