# SPDX-License-Identifier: Apache-2.0
"""What may become a release: the rules of publishing, each one transaction of the store."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

import orjson

from gateway.control_plane.clustering.push import Push, SentRows, prepare
from gateway.control_plane.delta import Key, RowChange, between, undone
from gateway.control_plane.ownership import canonical, merge, owns_anything
from gateway.control_plane.store import NextRelease, Release, Store
from gateway.control_plane.timings import Timings
from gateway.documents.diff import Change, diff_documents
from gateway.documents.document import Document
from gateway.documents.tree import nest
from gateway.entities import ENTITIES, Row
from gateway.entities.checks import Table, check_table
from gateway.errors import DocumentError, NotFound, StoreError
from gateway.hybrid.config_hash import ZERO_HASH

_FRAME = 200
"""More bytes than a frame adds to a row, and has itself."""

Rule = Callable[[Table], Table]
"""From the newest configuration to the next; raises when that must not be."""
Check = Callable[[Table, Table], None]
"""Of a caller: raises when it may not make the second configuration out of the first."""


@dataclass(frozen=True)
class Result:
    """What became of a write."""

    release: Release
    """The newest release now."""
    push: Push | None
    """What data planes get; None when it was not made ready."""
    previous: Release | None
    unchanged: bool = False

    @property
    def delta(self) -> dict[Key, RowChange]:
        """What the write changed."""
        if self.unchanged:
            return {}
        return between({} if self.previous is None else self.previous.table, self.release.table)


class Releases:
    """The releases of one control plane. Methods block; there must be one write at a time."""

    def __init__(self, store: Store, max_payload: int) -> None:
        self.store = store
        self.writing = Timings()
        """Of the transactions that make releases."""
        self.taken_back = 0
        """Releases that were undone because a data plane refused them."""
        self._max_payload = max_payload
        self._push: tuple[Table, Push] | None = None
        self._sent = SentRows()
        self._bound: tuple[Table, int] | None = None

    def newest_push(self) -> Push | None:
        """Return what data planes get now; None without a release."""
        newest = self.store.newest()
        if newest is None or newest.void:
            return None
        return self.push_of(newest.table)

    def push_of(self, table: Table) -> Push:
        """Return a configuration made ready; that of the newest release is so already."""
        known = self._push
        if known is None or known[0] is not table:
            known = self._push = table, prepare(table, self._sent)
        return known[1]

    def with_hash(self, release: Release) -> Release:
        """Return a release with its hash, which is kept; made again where it could not be."""
        if release.hash:
            return release
        digest = self.push_of(release.table).hash
        with suppress(StoreError):
            self.store.note_hash(release.number, digest)
        return replace(release, hash=digest)

    def publish(
        self,
        owner: str,
        document: Document,
        who: str,
        message: str,
        check: Check | None = None,
        tags: Collection[str] = (),
    ) -> Result:
        """Replace an owner's entities, those with all ``tags``, by those of its document.

        Raises ``DocumentError`` and ``UniqueViolation``; nothing is written then.
        """

        def rule(table: Table) -> Table:
            return merge(table, owner, document, _now(), tags)

        return self.write(checked(rule, check), who, message)

    def withdraw(self, owner: str, who: str, message: str, check: Check | None = None) -> Result:
        """Remove an owner's entities; raises ``NotFound`` when there are none."""

        def rule(table: Table) -> Table:
            if not owns_anything(table, owner):
                raise NotFound(f'owner "{owner}" has no entities')
            return merge(table, owner, {}, _now())

        return self.write(checked(rule, check), who, message)

    def rollback(self, number: int, who: str, message: str, check: Check | None = None) -> Result:
        """Make the content of an earlier release the newest; raises ``NotFound``."""
        wanted = self.store.get(number)
        if wanted.void:
            raise DocumentError([f"release {number} has no configuration to go back to"])

        def rule(_: Table) -> Table:
            # The rules may have become stricter since.
            check_table(wanted.table)
            return wanted.table

        return self.write(checked(rule, check), who, message, target=number)

    def write(
        self, rule: Rule, who: str, message: str, *, quick: bool = False, target: int | None = None
    ) -> Result:
        """Append what ``rule`` makes of the newest configuration; nothing when that is the same.

        ``quick`` leaves hash and push for later, so that the cost is that of what changes; such a
        release has an empty hash. ``target`` is the release whose content it is again.
        """
        before: list[Release | None] = []
        pushes: list[Push] = []

        def build(previous: Release | None) -> NextRelease | None:
            before.append(previous)
            table = canonical(rule({} if previous is None else previous.table))
            if previous is not None and not previous.void and table == previous.table:
                return None
            if quick:
                self._check_bound({} if previous is None else previous.table, table)
                return NextRelease("", who, message, table)
            pushes.append(self._checked(prepare(table, self._sent)))
            return NextRelease(pushes[0].hash, who, message, table, target=target)

        with self.writing.measured():
            release = self.store.append(build)
        previous = before[0]
        if release is None:
            assert previous is not None
            return Result(previous, None, previous, unchanged=True)
        if not pushes:
            return Result(release, None, previous)
        self._push = release.table, pushes[0]
        return Result(release, pushes[0], previous)

    def take_back(self, refused: Result, who: str, message: str) -> Result:
        """Undo what a refused release changed; what was published since stays."""
        before = refused.previous

        def build(newest: Release | None) -> NextRelease | None:
            assert newest is not None
            if newest.number == refused.release.number and before is not None and not before.void:
                return NextRelease(before.hash, who, message, before.table)
            table = canonical(undone(newest.table, refused.delta))
            if not table and (before is None or before.void):
                return NextRelease(ZERO_HASH, who, message, {}, void=True)
            if table == newest.table:
                return None
            return NextRelease("", who, message, table)

        with self.writing.measured():
            release = self.store.append(build) or refused.release
        self.taken_back += 1
        return Result(release, None, refused.release)

    def diff(self, old: int, new: int) -> dict[str, Change]:
        """Return what leads from one release to another: path to add, update or delete."""
        return diff_documents(_whole(self.store.get(old)), _whole(self.store.get(new)))

    def _check_bound(self, before: Table, table: Table) -> None:
        """Raise ``DocumentError`` when a configuration is too large.

        It is only made ready for that when what it has at most is too much.
        """
        if self._bound is None or self._bound[0] is not before:
            self._bound = before, _size(row for rows in before.values() for row in rows)
        changes = between(before, table).values()
        most = self._bound[1] + _size(one.after for one in changes if one.after is not None)
        if most > self._max_payload:
            most = len(self._checked(self.push_of(table)).payload)
        self._bound = table, most

    def _checked(self, push: Push) -> Push:
        if len(push.payload) > self._max_payload:
            raise DocumentError(
                [
                    f"the configuration has {len(push.payload)} bytes when compressed, and data "
                    f"planes take at most {self._max_payload}; raise KONG_CLUSTER_MAX_PAYLOAD on "
                    "control plane and data planes"
                ]
            )
        return push


def checked(rule: Rule, check: Check | None) -> Rule:
    """Return a rule that a caller's check applies to."""
    if check is None:
        return rule

    def apply(table: Table) -> Table:
        after = rule(table)
        check(table, after)
        return after

    return apply


def _whole(release: Release) -> dict[str, object]:
    """Return a release as one document, with the entities of all owners."""
    rows = [(ENTITIES[name], row) for name in ENTITIES for row in release.table.get(name, ())]
    return nest(rows, "")


def _size(rows: Iterable[Row]) -> int:
    """Return more bytes than rows have when they are sent."""
    return _FRAME + sum(len(orjson.dumps(row)) + _FRAME for row in rows)


def _now() -> int:
    return int(time.time())
