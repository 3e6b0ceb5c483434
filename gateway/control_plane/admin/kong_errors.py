# SPDX-License-Identifier: Apache-2.0
"""Errors as Kong's Admin API reports them: status, code, name, message and fields.

The codes and names are those of Kong 3.10 ``kong/db/errors.lua``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.errors import (
    AuditError,
    DocumentError,
    Forbidden,
    GatewayError,
    InvalidKey,
    KeyTaken,
    KeyViolation,
    NotFound,
    OwnedElsewhere,
    QueryError,
    ReferenceViolation,
    ReleaseRefused,
    RequestRejected,
    SchemaViolation,
    StoreError,
    UniqueViolation,
    Unsupported,
)

UNEXPECTED = "An unexpected error occurred"
"""The message of a failure whose reason only the log has."""

_NAMES = {
    1: "invalid primary key",
    2: "schema violation",
    3: "primary key violation",
    4: "foreign key violation",
    5: "unique constraint violation",
    6: "not found",
    12: "operation unsupported",
}
_KEYS: dict[type[KeyViolation], tuple[int, int]] = {
    InvalidKey: (400, 1),
    KeyTaken: (400, 3),
    ReferenceViolation: (400, 4),
    UniqueViolation: (409, 5),
    NotFound: (404, 6),
}
"""Status and code of what is wrong with a key."""


def kong_error(error: GatewayError) -> tuple[int, dict[str, Any]]:
    """Return HTTP status and body for an exception, as Kong's Admin API responds."""
    if isinstance(error, SchemaViolation):
        body = _body(2, schema_message(error.fields))
        body["fields"] = error.fields
        return 400, body | ({"problems": error.problems} if error.problems else {})
    if isinstance(error, DocumentError):
        problems = error.problems
        text = problems[0] if len(problems) == 1 else "; ".join(problems)
        prefix = "schema violation" if len(problems) == 1 else f"{len(problems)} schema violations"
        return 400, _body(2, f"{prefix} ({text})") | {"fields": {}, "problems": problems}
    if isinstance(error, NotFound) and not error.fields:
        return 404, {"message": str(error) or "Not found"}
    if isinstance(error, KeyViolation):
        status, code = _KEYS[type(error)]
        return status, _body(code, str(error)) | {"fields": error.fields}
    if isinstance(error, OwnedElsewhere):
        body = {"name": "owned elsewhere", "message": str(error), "owner": error.owner}
        return 409, body | {"header": error.header}
    if isinstance(error, Forbidden):
        return 403, {"message": str(error)}
    if isinstance(error, Unsupported):
        return 405, _body(12, str(error))
    if isinstance(error, QueryError):
        body = {"code": error.code, "name": error.name, "message": str(error), "fields": {}}
        return 400, body
    if isinstance(error, ReleaseRefused):
        return 409, {"message": str(error), "errors": error.errors}
    if isinstance(error, RequestRejected):
        return error.status, {"message": error.message}
    if isinstance(error, AuditError):
        return 503, {"message": str(error)}
    if isinstance(error, StoreError):
        return error.status, {"message": str(error)}
    return 500, {"message": UNEXPECTED}


def _body(code: int, message: str) -> dict[str, Any]:
    return {"code": code, "name": _NAMES[code], "message": message}


def schema_message(fields: Mapping[str, Any]) -> str:
    """Return Kong's one-line text: ``schema violation (port: …)``, ``2 schema violations (…)``."""
    texts = list(_texts(fields))
    count = f"{len(texts)} schema violations" if len(texts) != 1 else "schema violation"
    return f"{count} ({'; '.join(texts)})"


def _texts(fields: Mapping[str, Any], path: str = "") -> list[str]:
    found: list[str] = []
    for name in sorted(fields):
        value = fields[name]
        where = f"{path}.{name}" if path else name
        if name == "@entity":
            found.extend(f"{path}: {text}" if path else str(text) for text in value)
        elif isinstance(value, Mapping):
            found.extend(_texts(value, where))
        else:
            found.append(f"{where}: {value}")
    return found
