# SPDX-License-Identifier: Apache-2.0
"""The one reader and writer of the control plane's database.

Releases are only ever appended, each with a number that follows the one before it; the oldest are
removed when there are enough. A write is one transaction that begins by taking the database's write
lock, so writers in several threads or processes queue up, and one that dies half-way leaves nothing
behind.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from gateway.control_plane.delta import between
from gateway.control_plane.keyring import Keyring
from gateway.control_plane.ownership import canonical
from gateway.control_plane.store_tables import (
    DATA_PLANES,
    ENTITIES_TABLE,
    INFO,
    NOTES,
    RELEASES,
    VERSION,
    decoded,
    encoded,
    seal_all,
    undo_of,
    upgrade,
    went_back,
    write_entities,
)
from gateway.entities.checks import Table
from gateway.errors import NotFound, StoreError

_NEVER_REMOVED = 10
"""Newest releases that stay however old they are."""
_LOOK = 3600.0
"""Seconds between looks for releases that are too old."""


@dataclass(frozen=True)
class Retention:
    """Which releases are kept: at most the newest ``count``, and of those none older than ``age``.

    The newest ten stay however old they are, and those that a rollback went back to.
    """

    count: int = 1000
    age: float = 30 * 86400.0
    """Seconds."""


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
    target: int | None = None
    """The release whose content this is again."""


Build = Callable[[Release | None], NextRelease | None]
"""Makes the next release out of the newest one; None means that nothing changes."""


class Store:
    """The database of one control plane, a SQLite file. Methods block; they may run in any thread.

    Releases are encrypted with the keyring's first key, if it has one: those that were written when
    there was none are so when the database is opened.

    All of them raise ``StoreError`` when the database cannot be read or written.
    """

    def __init__(
        self,
        path: Path,
        lock_timeout: float = 5.0,
        keyring: Keyring | None = None,
        retention: Retention | None = None,
    ) -> None:
        self.path = path
        self.retention = retention or Retention()
        self._looked = -math.inf
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
            upgrade(connection, found)
            if found == 1:
                self._spread_newest(connection)
            sealed = self.keyring.seals and seal_all(connection, self.keyring)
        if sealed:
            with self._translated(), self.engine.connect() as plain:
                # What pages and log still hold in clear goes as well.
                plain.exec_driver_sql("ROLLBACK")
                plain.exec_driver_sql("VACUUM")
                plain.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def _spread_newest(self, connection: sa.Connection) -> None:
        """Write the newest configuration as rows, which version 1 had in its release alone."""
        columns = RELEASES.c
        query = sa.select(columns.number, columns.snapshot).order_by(columns.number.desc()).limit(1)
        row = connection.execute(query).one_or_none()
        if row is not None:
            table = decoded(row.snapshot, self.keyring, row.number)
            write_entities(connection, between({}, table), self.keyring, row.number)

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def check(self) -> None:
        """Raise ``StoreError`` when the database does not respond."""
        with self._translated(), self.engine.connect() as connection:
            connection.execute(sa.select(sa.func.max(RELEASES.c.number))).scalar()

    def newest(self) -> Release | None:
        """Return the newest release, or None when there has never been one."""
        with self._translated(), self.engine.connect() as connection:
            return self._read_newest(connection)

    def get(self, number: int) -> Release:
        """Return one release; raises ``NotFound``."""
        with self._translated(), self.engine.connect() as connection:
            return self._read(connection, number)

    def list(self, size: int, before: int | None = None) -> list[ReleaseInfo]:
        """Return releases without their content, the newest first, those with a number < before."""
        query = sa.select(*INFO).order_by(RELEASES.c.number.desc()).limit(size)
        if before is not None:
            query = query.where(RELEASES.c.number < before)
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
            self._write(connection, previous, release, following.target)
            self._remove_old(connection, release.number)
        self._newest = release
        return release

    def keep_note(self, name: str, content: Any) -> None:
        """Keep a value of JSON under a name, over a restart."""
        values = {"name": name, "number": 0, "content": encoded(content, self.keyring, 0)}
        with self._transaction() as connection:
            connection.execute(sa.insert(NOTES).prefix_with("OR REPLACE").values(values))

    def note(self, name: str) -> Any:
        """Return what was kept under a name; None for nothing."""
        query = sa.select(NOTES.c.content).where(NOTES.c.name == name)
        with self._translated(), self.engine.connect() as connection:
            found = connection.execute(query).scalar()
        return None if found is None else decoded(found, self.keyring, 0)

    def note_hash(self, number: int, digest: str) -> None:
        """Fill in the hash of a release that was written without."""
        chosen = RELEASES.c.number == number
        with self._transaction() as connection:
            connection.execute(sa.update(RELEASES).where(chosen).values(hash=digest))

    def _write(
        self,
        connection: sa.Connection,
        previous: Release | None,
        release: Release,
        target: int | None,
    ) -> None:
        delta = between({} if previous is None else previous.table, release.table)
        number, keyring = release.number, self.keyring
        values = {column.name: getattr(release, column.name) for column in INFO}
        values |= {"snapshot": b"", "undo": encoded(undo_of(delta), keyring, number)}
        connection.execute(sa.insert(RELEASES).values(values | {"target": target}))
        write_entities(connection, delta, keyring, number)

    def _remove_old(self, connection: sa.Connection, newest: int) -> None:
        """Remove the releases that are kept no longer."""
        columns = RELEASES.c
        last = newest - self.retention.count
        now = time.time()
        if now - self._looked > _LOOK:
            self._looked = now
            old = sa.select(sa.func.max(columns.number)).where(
                columns.created_at < now - self.retention.age,
                columns.number <= newest - _NEVER_REMOVED,
            )
            last = max(last, connection.execute(old).scalar() or 0)
        if last < 1:
            return
        query = sa.select(columns.target).where(columns.target <= last, columns.number > last)
        targets = set(connection.execute(query).scalars().all())
        lone = sa.select(columns.number).where(
            columns.number.in_(targets), sa.func.length(columns.snapshot) == 0
        )
        for number in connection.execute(lone).scalars().all():
            table = self._read(connection, number).table
            snapshot = encoded(table, self.keyring, number)
            chosen = columns.number == number
            connection.execute(sa.update(RELEASES).where(chosen).values(snapshot=snapshot))
        gone = (columns.number <= last) & columns.number.not_in(targets)
        connection.execute(sa.delete(RELEASES).where(gone))

    def save_data_planes(
        self, rows: Iterable[Mapping[str, Any]], seen_after: int, forgotten: Iterable[str] = ()
    ) -> None:
        """Write rows of data planes (with ``id``, ``last_seen``); forget those not seen since.

        Those whose ids are ``forgotten`` go as well.
        """
        with self._transaction() as connection:
            for row in rows:
                values = {"id": row["id"], "last_seen": row["last_seen"], "row": orjson.dumps(row)}
                insert = sa.insert(DATA_PLANES).prefix_with("OR REPLACE")
                connection.execute(insert.values(values))
            connection.execute(sa.delete(DATA_PLANES).where(DATA_PLANES.c.last_seen < seen_after))
            for node in forgotten:
                connection.execute(sa.delete(DATA_PLANES).where(DATA_PLANES.c.id == node))

    def load_data_planes(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of all data planes that have been seen."""
        with self._translated(), self.engine.connect() as connection:
            rows = connection.execute(sa.select(DATA_PLANES.c.row)).scalars().all()
        yield from map(orjson.loads, rows)

    def _read_newest(self, connection: sa.Connection) -> Release | None:
        number = connection.execute(sa.select(sa.func.max(RELEASES.c.number))).scalar()
        cached = self._newest
        if cached is not None and cached.number == number:
            return cached  # a release never changes
        if number is None:
            return None
        query = sa.select(*INFO).where(RELEASES.c.number == number)
        info = connection.execute(query).one()
        table: Table = {}
        for row in connection.execute(sa.select(ENTITIES_TABLE)):
            found = decoded(row.row, self.keyring, row.number)
            table.setdefault(row.collection, []).append(found)
        self._newest = release = Release(**info._mapping, table=canonical(table))
        return release

    def _read(self, connection: sa.Connection, number: int) -> Release:
        """Return a release; raises ``NotFound``."""
        info = connection.execute(sa.select(*INFO).where(RELEASES.c.number == number)).one_or_none()
        newest = self._read_newest(connection)
        if info is None or newest is None:
            raise NotFound(f"no release {number}")
        if newest.number == number:
            return newest
        return Release(**info._mapping, table=self._content(connection, number, newest))

    def _content(self, connection: sa.Connection, number: int, newest: Release) -> Table:
        """Return an earlier release's configuration, going back from the next that is whole."""
        columns = RELEASES.c
        whole = sa.select(sa.func.min(columns.number)).where(
            columns.number >= number, sa.func.length(columns.snapshot) > 0
        )
        start = connection.execute(whole).scalar()
        table = newest.table
        if start is not None:
            query = sa.select(columns.snapshot).where(columns.number == start)
            table = decoded(connection.execute(query).scalar_one(), self.keyring, start)
        rows = {name: {row["id"]: row for row in found} for name, found in table.items()}
        between_them = sa.select(columns.number, columns.undo).where(
            columns.number > number, columns.number <= (start or newest.number)
        )
        for row in connection.execute(between_them.order_by(columns.number.desc())):
            went_back(rows, decoded(row.undo, self.keyring, row.number))
        return canonical({name: list(found.values()) for name, found in rows.items()})

    def writing(self) -> AbstractContextManager[sa.Connection]:
        """Return one transaction for who keeps a table of its own; what it raises undoes it."""
        return self._transaction()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Lend a connection to read such a table."""
        with self._translated(), self.engine.connect() as connection:
            yield connection

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
