# SPDX-License-Identifier: Apache-2.0
"""The tables of the control plane's releases, and how their contents are written.

The newest configuration stands in ``entities``, a row each. A release holds what leads from it back
to the release before: so a write costs what it changes, and the oldest can be removed.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from typing import Any

import orjson
import sqlalchemy as sa

from gateway.control_plane.database.database import Statement, upserting
from gateway.control_plane.database.metadata import METADATA
from gateway.control_plane.delta import Delta
from gateway.control_plane.keyring import MAGIC, Keyring
from gateway.entities.checks import Table
from gateway.errors import StoreError

LARGEST = 2**31 - 1
"""The largest number that a release can have: what the column of its number takes."""
LONGEST_ID = 36
"""Characters of a data plane's id: it is a UUID."""

RELEASES = sa.Table(
    "releases",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.String(32), nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("void", sa.Boolean, nullable=False),
    # The whole configuration, where it does not follow from later ones; else empty.
    sa.Column("snapshot", sa.LargeBinary, nullable=False),
    # What leads to the release before.
    sa.Column("undo", sa.LargeBinary),
    # The release whose content a rollback brought back.
    sa.Column("target", sa.Integer),
)
ENTITIES_TABLE = sa.Table(
    "entities",
    METADATA,
    sa.Column("collection", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    # The release that wrote it.
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("row", sa.LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
DATA_PLANES = sa.Table(
    "data_planes",
    METADATA,
    sa.Column("id", sa.String(LONGEST_ID), primary_key=True),
    sa.Column("last_seen", sa.BigInteger, nullable=False),
    sa.Column("row", sa.LargeBinary, nullable=False),
)
NOTES = sa.Table(
    "notes",
    METADATA,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
)
INFO = [RELEASES.c[name] for name in ("number", "hash", "created_at", "who", "message", "void")]

_REMOVE_ENTITY = sa.delete(ENTITIES_TABLE).where(
    (ENTITIES_TABLE.c.collection == sa.bindparam("of"))
    & (ENTITIES_TABLE.c.id == sa.bindparam("key"))
)
_SMALL = 400
"""Bytes below which nothing is compressed."""


def kept_text(text: str) -> str:
    """Return a text as it is kept: PostgreSQL takes any character but NUL."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def encoded(content: Any, keyring: Keyring, number: int) -> bytes:
    """Return what is kept of a value of JSON that belongs to a release."""
    text = orjson.dumps(content)
    if len(text) > _SMALL:
        # mtime 0: equal content gives equal bytes.
        text = gzip.compress(text, 6, mtime=0)
    return keyring.seal(text, number)


def decoded(stored: bytes, keyring: Keyring, number: int) -> Any:
    """Return what ``encoded`` was given. Raises ``StoreError`` for anything else."""
    text = keyring.open(stored, number)
    try:
        return orjson.loads(gzip.decompress(text) if text[:2] == b"\x1f\x8b" else text)
    except (OSError, EOFError, ValueError):
        problem = f"release {number} in the database is damaged"
        raise StoreError(f"{problem}; restore the database from a backup") from None


def undo_of(delta: Delta) -> dict[str, Any]:
    """Return what leads back: rows to put, and keys of rows to remove, by collection."""
    put: Table = {}
    gone: dict[str, list[str]] = {}
    for (collection, entity), change in delta.items():
        if change.before is None:
            gone.setdefault(collection, []).append(entity)
        else:
            put.setdefault(collection, []).append(change.before)
    return {"put": put, "gone": gone}


def went_back(rows: dict[str, dict[str, Any]], undo: dict[str, Any]) -> None:
    """Change rows, by collection and id, into those of the release before."""
    for collection, ids in undo["gone"].items():
        for entity in ids:
            rows.get(collection, {}).pop(entity, None)
    for collection, put in undo["put"].items():
        rows.setdefault(collection, {}).update({row["id"]: row for row in put})


def entity_changes(
    dialect: str, delta: Delta, keyring: Keyring, number: int
) -> Iterator[Statement]:
    """Yield what brings the table of the newest configuration up to date."""
    new = [
        {
            "collection": collection,
            "id": entity,
            "number": number,
            "row": encoded(change.after, keyring, number),
        }
        for (collection, entity), change in delta.items()
        if change.after is not None
    ]
    if new:
        yield Statement(upserting(dialect, ENTITIES_TABLE), new)
    gone = [
        {"of": collection, "key": entity}
        for (collection, entity), change in delta.items()
        if change.after is None
    ]
    if gone:
        yield Statement(_REMOVE_ENTITY, gone)


def seal_all(connection: sa.Connection, keyring: Keyring) -> bool:
    """Encrypt everything that is in clear; return whether there was any."""
    found = False
    for table, name in (
        (RELEASES, "snapshot"),
        (RELEASES, "undo"),
        (ENTITIES_TABLE, "row"),
        (NOTES, "content"),
    ):
        keys, column = list(table.primary_key.columns), table.c[name]
        clear = sa.func.substr(column, 1, len(MAGIC)) != MAGIC
        query = sa.select(*keys).where(clear, sa.func.length(column) > 0)
        for key in connection.execute(query).all():
            _seal_one(connection, keyring, column, keys, key)
            found = True
    return found


def _seal_one(
    connection: sa.Connection,
    keyring: Keyring,
    column: sa.Column[Any],
    keys: Iterable[sa.Column[Any]],
    key: sa.Row[Any],
) -> None:
    table = column.table
    chosen = sa.and_(*[one == value for one, value in zip(keys, key, strict=True)])
    query = sa.select(table.c.number, column).where(chosen)
    number, stored = connection.execute(query).one()
    values = {column.name: keyring.seal(stored, number)}
    connection.execute(sa.update(table).where(chosen).values(values))
