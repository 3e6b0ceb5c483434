# SPDX-License-Identifier: Apache-2.0
"""Backups: all rows of a database in one file, which either kind of database takes back.

A file is gzipped JSON, one object a line: what it is, then the rows table by table, and how many
there were at the end, so that one that is cut off is found out. Bytes are base64. What is encrypted
in the database is so in the file: it is of no use without the keyring.
"""

from __future__ import annotations

import gzip
import zlib
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson
import sqlalchemy as sa

from gateway.control_plane.database.database import Database
from gateway.control_plane.database.schema import NEWEST, check_form, found_form
from gateway.control_plane.store import Store
from gateway.control_plane.tables import METADATA
from gateway.errors import StoreError

_KIND = "kafka-gateway database"
_AT_ONCE = 500
"""Rows written by one statement."""


def backup(database: Database) -> tuple[bytes, Counter[str]]:
    """Return a database as a file, all of one moment, and the number of rows by table.

    Raises ``StoreError``, also when it is not in the newest form.
    """
    counts: Counter[str] = Counter()
    lines = [orjson.dumps({"kind": _KIND, "form": NEWEST})]
    with database.reading() as connection:
        check_form(found_form(connection), database.label)
        for table in METADATA.sorted_tables:
            for row in connection.execute(sa.select(table).order_by(*table.primary_key)):
                lines.append(orjson.dumps([table.name, _as_json(row._mapping)]))
                counts[table.name] += 1
    lines.append(orjson.dumps({"rows": counts.total()}))
    return gzip.compress(b"\n".join(lines), 6, mtime=0), counts


def restore(store: Store, content: bytes, *, replace: bool = False) -> Counter[str]:
    """Put the rows of a file into a database, in one transaction; return their number by table.

    What is there goes, which must be asked for by ``replace``. Raises ``StoreError`` when the file
    or the keyring is not right, and while a control plane uses the database: nothing is changed.
    """
    rows = list(_rows(content))
    counts = Counter(name for name, _ in rows)
    with store.writing() as connection:
        check_form(found_form(connection), store.database.label)
        store.database.claim(connection)
        for table in METADATA.sorted_tables:
            if not replace and connection.execute(sa.select(table).limit(1)).first() is not None:
                text = f"the database {store.database.label} is not empty"
                raise StoreError(f"{text}; say --replace to lose what is in it")
            connection.execute(sa.delete(table))
        for table in METADATA.sorted_tables:
            found = [_from_json(table, row) for name, row in rows if name == table.name]
            for start in range(0, len(found), _AT_ONCE):
                connection.execute(sa.insert(table), found[start : start + _AT_ONCE])
        store.forget()
        store.check_content(connection)
    store.database.wipe()
    return counts


def _rows(content: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        head, *rows, tail = map(orjson.loads, gzip.decompress(content).split(b"\n"))
        whole = head["kind"] == _KIND and tail == {"rows": len(rows)}
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError):
        whole = False
    if not whole:
        raise StoreError("the file is no backup of a control plane's database, or not all of it")
    if not str(head["form"]).isdigit() or int(head["form"]) > int(NEWEST):
        text = f"the backup was written by a newer version (form {head['form']})"
        raise StoreError(f"{text}; restore it with that version")
    for name, row in rows:
        if name in METADATA.tables:
            yield name, row


def _as_json(row: Any) -> dict[str, Any]:
    return {
        str(name): {"base64": b64encode(value).decode()} if isinstance(value, bytes) else value
        for name, value in row.items()
    }


def _from_json(table: sa.Table, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row for a table; fields that came later are null."""
    return {
        column.name: b64decode(value["base64"]) if isinstance(value, dict) else value
        for column in table.columns
        for value in (row.get(column.name),)
    }
