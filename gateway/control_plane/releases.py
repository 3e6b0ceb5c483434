# SPDX-License-Identifier: Apache-2.0
"""What may become a release: the rules of publishing, each one transaction of the store."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from gateway.control_plane.clustering.push import Push, prepare
from gateway.control_plane.delta import Key, RowChange, between, undone
from gateway.control_plane.ownership import canonical, merge, owns_anything
from gateway.control_plane.store import NextRelease, Release, Store
from gateway.documents.diff import Change, diff_documents
from gateway.documents.document import Document
from gateway.documents.tree import nest
from gateway.entities import ENTITIES
from gateway.entities.checks import Table, check_table
from gateway.errors import DocumentError, NotFound
from gateway.hybrid.config_hash import ZERO_HASH

Rule = Callable[[Table], Table]
"""From the newest configuration to the next; raises when that must not be."""


@dataclass(frozen=True)
class Result:
    """What became of a write."""

    release: Release
    """The newest release now."""
    push: Push | None
    """What data planes get; None when there is no configuration."""
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
        self._max_payload = max_payload
        self._push: tuple[int, Push, Table] | None = None

    def newest_push(self) -> Push | None:
        """Return what data planes get now; None without a release."""
        newest = self.store.newest()
        if newest is None or newest.void:
            return None
        if self._push is None or self._push[0] != newest.number:
            self._push = newest.number, prepare(newest.table), newest.table
        return self._push[1]

    def push_of(self, table: Table) -> Push:
        """Return a configuration made ready; that of the newest release is so already."""
        known = self._push
        return known[1] if known is not None and known[2] is table else prepare(table)

    def publish(self, owner: str, document: Document, who: str, message: str) -> Result:
        """Replace an owner's entities by those of its document.

        Raises ``DocumentError`` and ``UniqueViolation``; nothing is written then.
        """
        return self.write(lambda table: merge(table, owner, document, _now()), who, message)

    def withdraw(self, owner: str, who: str, message: str) -> Result:
        """Remove an owner's entities; raises ``NotFound`` when there are none."""

        def rule(table: Table) -> Table:
            if not owns_anything(table, owner):
                raise NotFound(f'owner "{owner}" has no entities')
            return merge(table, owner, {}, _now())

        return self.write(rule, who, message)

    def rollback(self, number: int, who: str, message: str) -> Result:
        """Make the content of an earlier release the newest; raises ``NotFound``."""
        wanted = self.store.get(number)
        if wanted.void:
            raise DocumentError([f"release {number} has no configuration to go back to"])

        def rule(_: Table) -> Table:
            # The rules may have become stricter since.
            check_table(wanted.table)
            return wanted.table

        return self.write(rule, who, message)

    def write(self, rule: Rule, who: str, message: str) -> Result:
        """Append what ``rule`` makes of the newest configuration; nothing when that is the same."""
        before: list[Release | None] = []
        pushes: list[Push] = []

        def build(previous: Release | None) -> NextRelease | None:
            before.append(previous)
            table = canonical(rule({} if previous is None else previous.table))
            if previous is not None and not previous.void and table == previous.table:
                return None
            pushes.append(self._checked(prepare(table)))
            return NextRelease(pushes[0].hash, who, message, table)

        release = self.store.append(build)
        previous = before[0]
        if release is None:
            assert previous is not None
            return Result(previous, self.newest_push(), previous, unchanged=True)
        self._push = release.number, pushes[0], release.table
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
            return NextRelease(prepare(table).hash, who, message, table)

        release = self.store.append(build) or refused.release
        return Result(release, self.newest_push(), refused.release)

    def diff(self, old: int, new: int) -> dict[str, Change]:
        """Return what leads from one release to another: path to add, update or delete."""
        return diff_documents(_whole(self.store.get(old)), _whole(self.store.get(new)))

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


def _whole(release: Release) -> dict[str, object]:
    """Return a release as one document, with the entities of all owners."""
    rows = [(ENTITIES[name], row) for name in ENTITIES for row in release.table.get(name, ())]
    return nest(rows, "")


def _now() -> int:
    return int(time.time())
