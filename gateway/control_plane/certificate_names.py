# SPDX-License-Identifier: Apache-2.0
"""The server names of a certificate as its field ``snis`` (Kong 3.10 ``db/dao/certificates.lua``).

They are entities of their own; the field stands for those that refer to the certificate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.entities import Row, validate_row
from gateway.entities.checks import Table
from gateway.entities.hosts import check_server_name
from gateway.errors import SchemaViolation

FIELD = "snis"


def split_names(data: Mapping[str, Any], also: str = "") -> tuple[dict[str, Any], list[str] | None]:
    """Return a certificate without the field, and the names in it; None when it has no such field.

    ``also`` is a name to be among them. Raises ``SchemaViolation``.
    """
    rest = dict(data)
    given = rest.pop(FIELD, [] if also else None)
    if given is None and FIELD not in data:
        return rest, None
    names = [given] if isinstance(given, str) else given or []
    if not isinstance(names, list):
        raise SchemaViolation({FIELD: "expected a set"}, "certificates")
    wrong = {str(at): text for at, name in enumerate(names, 1) if (text := _problem(name))}
    if wrong:
        raise SchemaViolation({FIELD: wrong}, "certificates")
    for name, count in Counter(names).items():
        if count > 1:
            raise SchemaViolation({FIELD: f"{name} is duplicated"}, "certificates")
    return rest, sorted({*names, also} - {""})


def _problem(name: Any) -> str:
    if not isinstance(name, str):
        return "expected a string"
    return check_server_name(name) if name else "length must be at least 1"


def names_of(table: Table, certificate: str) -> list[str]:
    """Return the server names that a certificate is shown for, sorted."""
    rows = table.get(FIELD, ())
    return sorted(row["name"] for row in rows if row["certificate"] == certificate)


def certificate_of(table: Table, name: str) -> str | None:
    """Return the id of the certificate that is shown for a server name."""
    rows = table.get(FIELD, ())
    return next((row["certificate"] for row in rows if row["name"] == name), None)


def with_names(table: Table, certificate: str, names: Sequence[str], now: int) -> Table:
    """Return the configuration with exactly these names for a certificate.

    Raises ``SchemaViolation`` for a name that is another certificate's.
    """
    there: dict[str, Row] = {row["name"]: row for row in table.get(FIELD, ())}
    for name in names:
        other = there.get(name)
        if other is not None and other["certificate"] != certificate:
            text = f"{name} already associated with existing certificate '{other['certificate']}'"
            raise SchemaViolation({FIELD: text}, "certificates")
    wanted = set(names)
    kept = [
        row for row in there.values() if row["certificate"] != certificate or row["name"] in wanted
    ]
    made = [
        validate_row(
            FIELD,
            {"name": name, "certificate": certificate, "created_at": now, "updated_at": now},
        )
        for name in names
        if name not in there
    ]
    return {**table, FIELD: [*kept, *made]}
