# SPDX-License-Identifier: Apache-2.0
"""The one reader and writer of the control plane's database.

Releases are only ever appended: a row is never changed or removed, and its number follows
the one before it. A write is one transaction that begins by taking the database's write lock, so
writers in several threads or processes queue up, and one that dies half-way leaves nothing behind.
"""

from __future__ import annotations

import gzip
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from gateway.control_plane.keyring import Keyring
from gateway.entities.checks import Table
from gateway.errors import NotFound, StoreError

VERSION = 1
"""Of the tables below; kept in the file, so that an older program refuses a newer file."""

_METADATA = sa.MetaData()

_RELEASES = sa.Table(
    "releases",
    _METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.String(32), nullable=False),
    sa.Column("created_at", sa.Integer, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("void", sa.Boolean, nullable=False),
    sa.Column("snapshot", sa.LargeBinary, nullable=False),
)
_DATA_PLANES = sa.Table(
    "data_planes",
    _METADATA,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("last_seen", sa.Integer, nullable=False),
    sa.Column("row", sa.LargeBinary, nullable=False),
)
_INFO = [column for column in _RELEASES.c if column.name != "snapshot"]


@dataclass(frozen=True)
class ReleaseInfo:
    """A release without its content."""

    number: int
    hash: str
    created_at: int
    """Seconds since 1970."""
    who: str
    message: str
    void: bool = False
    """Stands for "no configuration": what a refused first release is taken back to."""


@dataclass(frozen=True)
class Release(ReleaseInfo):
    """A release with its whole configuration. The table is shared, to be read only."""

    table: Table = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class NextRelease:
    """What becomes the next release."""

    hash: str
    who: str
    message: str
    table: Table = field(repr=False)
    void: bool = False


Build = Callable[[Release | None], NextRelease | None]
"""Makes the next release out of the newest one; None means that nothing changes."""


class Store:
    """The database of one control plane, a SQLite file. Methods block; they may run in any thread.

    Releases are encrypted with the keyring's first key, if it has one: those that were written when
    there was none are so when the database is opened.

    All of them raise ``StoreError`` when the database cannot be read or written.
    """

    def __init__(
        self, path: Path, lock_timeout: float = 5.0, keyring: Keyring | None = None
    ) -> None:
        self.path = path
        self.keyring = keyring or Keyring()
        self._newest: Release | None = None
        self.engine = sa.create_engine(f"sqlite:///{path}")
        sa.event.listen(self.engine, "connect", _prepare(lock_timeout))
        sa.event.listen(self.engine, "begin", _begin)

    def open(self) -> None:
        """Create what is missing. The file can be read only by us: credentials are in it."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        except OSError as error:
            text = f"cannot create the database {self.path}: {error.strerror}"
            raise StoreError(f"{text}; set KONG_PREFIX to a folder that can be written") from None
        with self._transaction() as connection:
            found = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
            if found > VERSION:
                text = f"the database {self.path} was written by a newer version (form {found})"
                raise StoreError(f"{text}; run that version, or use another KONG_PREFIX")
            _METADATA.create_all(connection)
            connection.exec_driver_sql(f"PRAGMA user_version={VERSION}")
            sealed = self.keyring.seals and self._seal_all(connection)
        if sealed:
            with self._translated(), self.engine.connect() as plain:
                # What pages and log still hold in clear goes as well.
                plain.exec_driver_sql("ROLLBACK")
                plain.exec_driver_sql("VACUUM")
                plain.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def _seal_all(self, connection: sa.Connection) -> bool:
        """Encrypt the releases that are in clear; return whether there were any."""
        snapshot = _RELEASES.c.snapshot
        numbers = connection.execute(sa.select(_RELEASES.c.number)).scalars().all()
        found = False
        for number in numbers:
            chosen = _RELEASES.c.number == number
            stored = connection.execute(sa.select(snapshot).where(chosen)).scalar_one()
            if not self.keyring.is_sealed(stored):
                sealed = self.keyring.seal(stored, number)
                connection.execute(sa.update(_RELEASES).where(chosen).values(snapshot=sealed))
                found = True
        return found

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def check(self) -> None:
        """Raise ``StoreError`` when the database does not respond."""
        with self._translated(), self.engine.connect() as connection:
            connection.execute(sa.select(sa.func.max(_RELEASES.c.number))).scalar()

    def newest(self) -> Release | None:
        """Return the newest release, or None when there has never been one."""
        with self._translated(), self.engine.connect() as connection:
            return self._read_newest(connection)

    def get(self, number: int) -> Release:
        """Return one release; raises ``NotFound``."""
        query = sa.select(_RELEASES).where(_RELEASES.c.number == number)
        with self._translated(), self.engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise NotFound(f"no release {number}")
        return _release(row, self.keyring)

    def list(self, size: int, before: int | None = None) -> list[ReleaseInfo]:
        """Return releases without their content, the newest first, those with a number < before."""
        query = sa.select(*_INFO).order_by(_RELEASES.c.number.desc()).limit(size)
        if before is not None:
            query = query.where(_RELEASES.c.number < before)
        with self._translated(), self.engine.connect() as connection:
            return [ReleaseInfo(**row._mapping) for row in connection.execute(query)]

    def append(self, build: Build) -> Release | None:
        """Append what ``build`` makes out of the newest release, in one transaction.

        ``build`` runs inside it, so what it checks still holds when the release is written; what
        it raises undoes the transaction. Returns the new release, or None when ``build`` does.
        """
        with self._transaction() as connection:
            previous = self._read_newest(connection)
            following = build(previous)
            if following is None:
                return None
            release = Release(
                number=1 if previous is None else previous.number + 1,
                hash=following.hash,
                created_at=int(time.time()),
                who=following.who,
                message=following.message,
                void=following.void,
                table=following.table,
            )
            connection.execute(sa.insert(_RELEASES).values(_columns(release, self.keyring)))
        self._newest = release
        return release

    def save_data_planes(
        self, rows: Iterable[Mapping[str, Any]], seen_after: int, forgotten: Iterable[str] = ()
    ) -> None:
        """Write rows of data planes (with ``id``, ``last_seen``); forget those not seen since.

        Those whose ids are ``forgotten`` go as well.
        """
        with self._transaction() as connection:
            for row in rows:
                values = {"id": row["id"], "last_seen": row["last_seen"], "row": orjson.dumps(row)}
                insert = sa.insert(_DATA_PLANES).prefix_with("OR REPLACE")
                connection.execute(insert.values(values))
            connection.execute(sa.delete(_DATA_PLANES).where(_DATA_PLANES.c.last_seen < seen_after))
            for node in forgotten:
                connection.execute(sa.delete(_DATA_PLANES).where(_DATA_PLANES.c.id == node))

    def load_data_planes(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of all data planes that have been seen."""
        with self._translated(), self.engine.connect() as connection:
            rows = connection.execute(sa.select(_DATA_PLANES.c.row)).scalars().all()
        yield from map(orjson.loads, rows)

    def _read_newest(self, connection: sa.Connection) -> Release | None:
        number = connection.execute(sa.select(sa.func.max(_RELEASES.c.number))).scalar()
        cached = self._newest
        if cached is not None and cached.number == number:
            return cached  # a release never changes
        if number is None:
            return None
        query = sa.select(_RELEASES).where(_RELEASES.c.number == number)
        self._newest = release = _release(connection.execute(query).one(), self.keyring)
        return release

    @contextmanager
    def _transaction(self) -> Iterator[sa.Connection]:
        with self._translated(), self.engine.connect() as plain:
            connection = plain.execution_options(write=True)
            with connection.begin():
                yield connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise _store_error(self.path, error) from error


def _prepare(lock_timeout: float) -> Callable[[Any, object], None]:
    def prepare(connection: Any, _record: object) -> None:
        # Transactions are begun by `_begin`, not by Python's driver at the first change.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={int(lock_timeout * 1000)}")
        connection.execute("PRAGMA journal_mode=WAL")
        # WAL alone would lose the last commits at a power cut.
        connection.execute("PRAGMA synchronous=FULL")
        # What is replaced is overwritten: releases in clear do not stay in free pages.
        connection.execute("PRAGMA secure_delete=ON")

    return prepare


def _begin(connection: sa.Connection) -> None:
    # A writer takes the lock before it reads: what it builds upon cannot change under it.
    write = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


def _columns(release: Release, keyring: Keyring) -> dict[str, Any]:
    columns = {column.name: getattr(release, column.name) for column in _INFO}
    # mtime 0: equal content gives equal bytes.
    snapshot = gzip.compress(orjson.dumps(release.table), 6, mtime=0)
    return columns | {"snapshot": keyring.seal(snapshot, release.number)}


def _release(row: sa.Row[Any], keyring: Keyring) -> Release:
    columns = dict(row._mapping)
    snapshot = keyring.open(columns.pop("snapshot"), columns["number"])
    try:
        table = orjson.loads(gzip.decompress(snapshot))
    except (OSError, EOFError, ValueError):
        text = f"release {columns['number']} in the database is damaged"
        raise StoreError(f"{text}; restore the database from a backup") from None
    return Release(**columns, table=table)


def _store_error(path: Path, error: DBAPIError) -> StoreError:
    name = getattr(error.orig, "sqlite_errorname", "")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        text = f"the database {path} is locked by another process; try again"
        return StoreError(text, 503)
    if name == "SQLITE_FULL":
        text = f"no space left for the database {path}; free some and try again"
        return StoreError(text, 507)
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return StoreError(f"the database {path} cannot be written; check its permissions")
    if name in ("SQLITE_CORRUPT", "SQLITE_NOTADB"):
        return StoreError(f"the database {path} is damaged; restore it from a backup")
    return StoreError(f"the database {path} failed: {error.orig}")
