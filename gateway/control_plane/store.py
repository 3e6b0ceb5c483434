# SPDX-License-Identifier: Apache-2.0
"""The one reader and writer of the control plane's database.

Releases are only ever appended, each with a number that follows the one before it; the oldest are
removed when there are enough. A write is one transaction that begins by taking the database's write
lock, so writers in several threads, processes or control planes queue up, and one that dies
half-way leaves nothing behind.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import sqlalchemy as sa

from gateway.control_plane.database.database import Database, Statement, upsert
from gateway.control_plane.database.schema import FORM, bring_up, check_form
from gateway.control_plane.delta import between
from gateway.control_plane.keyring import Keyring
from gateway.control_plane.ownership import canonical
from gateway.control_plane.retention import OldReleases, ReleaseKey, Retention
from gateway.control_plane.store_tables import (
    DATA_PLANES,
    ENTITIES_TABLE,
    INFO,
    LARGEST,
    NOTES,
    RELEASES,
    decoded,
    encoded,
    entity_changes,
    kept_text,
    seal_all,
    undo_of,
    went_back,
)
from gateway.entities.checks import Table
from gateway.errors import NotFound

_NEWEST = sa.select(*INFO).order_by(RELEASES.c.number.desc()).limit(1)
_APPEND = sa.insert(RELEASES)


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

    @property
    def key(self) -> ReleaseKey:
        """What no other has, not even that of its number in a restored database."""
        return self.number, self.created_at, self.who, self.message

    def is_same(self, other: ReleaseInfo) -> bool:
        """Tell whether this is that release."""
        return self.key == other.key


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


@dataclass(frozen=True)
class SharedState:
    """What control planes share."""

    newest: Release | None
    note: Any
    """What is kept under the name that was asked for."""
    data_planes: list[dict[str, Any]] = field(repr=False)


Build = Callable[[Release | None], NextRelease | None]
"""Makes the next release out of the newest one; None means that nothing changes."""


class Store:
    """What a control plane keeps in its database. Methods block; they may run in any thread.

    Releases are encrypted with the keyring's first key, if it has one: those that were written when
    there was none are so when the database is opened.

    All of them raise ``StoreError`` when the database cannot be read or written.
    """

    def __init__(
        self,
        database: Database,
        keyring: Keyring | None = None,
        retention: Retention | None = None,
    ) -> None:
        self.database = database
        self._old = OldReleases(retention or Retention())
        self.keyring = keyring or Keyring()
        self._newest: Release | None = None

    def open(self) -> tuple[str | None, str]:
        """Create what is missing, and bring it to the newest form; return form before and now."""
        self.database.prepare()
        with self.writing() as connection:
            forms = bring_up(connection, self.keyring, self.database.label)
            sealed = self.keyring.seals and seal_all(connection, self.keyring)
        if sealed:
            self.database.wipe()
        return forms

    def close(self) -> None:
        """Close all connections."""
        self.database.close()

    def check(self) -> None:
        """Raise ``StoreError`` when the database does not respond."""
        with self.reading() as connection:
            connection.execute(sa.select(sa.func.max(RELEASES.c.number))).scalar()

    def forget(self) -> None:
        """Forget what was read: somebody else has written it anew."""
        self._newest = None

    def check_content(self, connection: sa.Connection) -> None:
        """Raise ``StoreError`` when the releases within a transaction cannot be read."""
        newest = self._read_newest(connection)
        oldest = connection.execute(sa.select(sa.func.min(RELEASES.c.number))).scalar()
        if newest is not None and oldest is not None:
            self._read(connection, oldest)
        self.forget()

    def newest(self) -> Release | None:
        """Return the newest release, or None when there has never been one."""
        with self.reading() as connection:
            return self._read_newest(connection)

    def get(self, number: int) -> Release:
        """Return one release; raises ``NotFound``."""
        with self.reading() as connection:
            return self._read(connection, number)

    def list(self, size: int, before: int | None = None) -> list[ReleaseInfo]:
        """Return releases without their content, the newest first, those with a number < before."""
        query = sa.select(*INFO).order_by(RELEASES.c.number.desc()).limit(size)
        if before is not None:
            query = query.where(RELEASES.c.number < min(before, LARGEST))
        with self.reading() as connection:
            return [ReleaseInfo(**row._mapping) for row in connection.execute(query)]

    def append(self, build: Build) -> Release | None:
        """Append what ``build`` makes out of the newest release, in one transaction.

        ``build`` runs inside it, so what it checks still holds when the release is written; what
        it raises undoes the transaction. Returns the new release, or None when ``build`` does.
        """
        with self.writing() as connection:
            form, newest = self.database.answers(connection, [FORM, _NEWEST])
            check_form(form[0][0] if form else None, self.database.label)
            previous = self._newest_of(connection, newest)
            following = build(previous)
            if following is None:
                return None
            release = Release(
                number=1 if previous is None else previous.number + 1,
                hash=following.hash,
                created_at=int(time.time()),
                who=kept_text(following.who),
                message=kept_text(following.message),
                void=following.void,
                table=following.table,
            )
            before = None if previous is None else previous.key
            removals = self._old.removals(
                connection,
                before,
                following.target,
                lambda number: self._snapshot(connection, number),
            )
            self.database.conclude(
                connection,
                [*self._appending(previous, release, following.target), *removals],
                "release",
            )
        self._newest = release
        self._old.appended(before, release.key, following.target)
        return release

    def keep_note(self, name: str, content: Any) -> None:
        """Keep a value of JSON under a name, over a restart."""
        values = {"name": name, "number": 0, "content": encoded(content, self.keyring, 0)}
        with self.writing() as connection:
            upsert(connection, NOTES, [values])
            self.database.announce(connection, "note")

    def look(self, name: str) -> SharedState:
        """Return what other control planes may have written, as of one moment."""
        query = sa.select(NOTES.c.content).where(NOTES.c.name == name)
        with self.reading() as connection:
            found = connection.execute(query).scalar()
            newest = self._read_newest(connection)
            rows = connection.execute(sa.select(DATA_PLANES.c.row)).scalars().all()
        note = None if found is None else decoded(found, self.keyring, 0)
        return SharedState(newest, note, [orjson.loads(row) for row in rows])

    def note_hash(self, number: int, digest: str) -> None:
        """Fill in the hash of a release that was written without."""
        chosen = RELEASES.c.number == number
        with self.writing() as connection:
            connection.execute(sa.update(RELEASES).where(chosen).values(hash=digest))

    def _appending(
        self, previous: Release | None, release: Release, target: int | None
    ) -> Iterator[Statement]:
        delta = between({} if previous is None else previous.table, release.table)
        number, keyring = release.number, self.keyring
        values = {column.name: getattr(release, column.name) for column in INFO}
        values |= {"snapshot": b"", "undo": encoded(undo_of(delta), keyring, number)}
        yield Statement(_APPEND, [values | {"target": target}])
        yield from entity_changes(self.database.engine.dialect.name, delta, keyring, number)

    def _snapshot(self, connection: sa.Connection, number: int) -> bytes:
        return encoded(self._read(connection, number).table, self.keyring, number)

    def save_data_planes(
        self,
        rows: Iterable[Mapping[str, Any]],
        seen_after: int,
        forgotten: Iterable[str] = (),
        *,
        announce: bool = False,
    ) -> None:
        """Write rows of data planes (with ``id``, ``last_seen``); forget those not seen since.

        Those whose ids are ``forgotten`` go as well. ``announce``: other control planes are told.
        """
        with self.writing() as connection:
            found = [
                {"id": row["id"], "last_seen": row["last_seen"], "row": orjson.dumps(row)}
                for row in rows
            ]
            upsert(connection, DATA_PLANES, found)
            connection.execute(sa.delete(DATA_PLANES).where(DATA_PLANES.c.last_seen < seen_after))
            for node in forgotten:
                connection.execute(sa.delete(DATA_PLANES).where(DATA_PLANES.c.id == node))
            if announce:
                self.database.announce(connection, "data_planes")

    def load_data_planes(self) -> Iterator[dict[str, Any]]:
        """Yield the rows of all data planes that have been seen."""
        with self.reading() as connection:
            rows = connection.execute(sa.select(DATA_PLANES.c.row)).scalars().all()
        yield from map(orjson.loads, rows)

    def _read_newest(self, connection: sa.Connection) -> Release | None:
        return self._newest_of(connection, connection.execute(_NEWEST).all())

    def _newest_of(self, connection: sa.Connection, rows: Sequence[Any]) -> Release | None:
        """Return the newest release, by what ``_NEWEST`` has found."""
        if not rows:
            return None
        info, cached = ReleaseInfo(*rows[0]), self._newest
        if cached is not None and info.is_same(cached):
            # A release never changes, but for its hash, which may come later.
            if cached.hash != info.hash:
                self._newest = cached = replace(cached, hash=info.hash)
            return cached
        table = None if cached is None else self._advanced(connection, cached, info.number)
        if table is None:
            table = {}
            for entity in connection.execute(sa.select(ENTITIES_TABLE)):
                found = decoded(entity.row, self.keyring, entity.number)
                table.setdefault(entity.collection, []).append(found)
        self._newest = release = Release(**vars(info), table=canonical(table))
        return release

    def _advanced(self, connection: sa.Connection, before: Release, number: int) -> Table | None:
        """Return the newest configuration from an earlier one, by what changed since alone.

        None when it does not follow: releases between them are removed, or there are none.
        """
        columns = RELEASES.c
        query = sa.select(*INFO, columns.undo).where(columns.number >= before.number)
        found = connection.execute(query.order_by(columns.number)).all()
        if len(found) != number - before.number + 1 or not found:
            return None
        if not ReleaseInfo(*found[0][: len(INFO)]).is_same(before):
            return None  # a backup was restored meanwhile
        rows = {name: {row["id"]: row for row in kept} for name, kept in before.table.items()}
        for one in found[1:]:
            undo = decoded(one.undo, self.keyring, one.number)
            for collection, put in undo["put"].items():
                for row in put:
                    rows.get(collection, {}).pop(row["id"], None)
        newer = sa.select(ENTITIES_TABLE).where(ENTITIES_TABLE.c.number > before.number)
        for row in connection.execute(newer):
            content = decoded(row.row, self.keyring, row.number)
            rows.setdefault(row.collection, {})[row.id] = content
        return {name: list(kept.values()) for name, kept in rows.items()}

    def _read(self, connection: sa.Connection, number: int) -> Release:
        """Return a release; raises ``NotFound``."""
        if number > LARGEST:
            raise NotFound(f"no release {number}")
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
        return self.database.writing()

    def reading(self) -> AbstractContextManager[sa.Connection]:
        """Lend a connection to read such a table."""
        return self.database.reading()
