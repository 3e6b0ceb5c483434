# SPDX-License-Identifier: Apache-2.0
"""Which releases are kept, and what removes the others."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from gateway.control_plane.database.database import Statement
from gateway.control_plane.store_tables import RELEASES

_NEVER_REMOVED = 10
"""Newest releases that stay however old they are."""
_LOOK = 3600.0
"""Seconds between looks for releases that are too old."""

_UP_TO = sa.delete(RELEASES).where(RELEASES.c.number <= sa.bindparam("last"))
_TARGETS = sa.select(RELEASES.c.number, RELEASES.c.target).where(RELEASES.c.target.is_not(None))

ReleaseKey = tuple[int, int, str, str]
"""What tells a release from others, also of its number: number, time, author and message."""


@dataclass(frozen=True)
class Retention:
    """Which releases are kept: at most the newest ``count``, and of those none older than ``age``.

    The newest ten stay however old they are, and those that a rollback went back to.
    """

    count: int = 1000
    age: float = 30 * 86400.0
    """Seconds."""


class OldReleases:
    """Removes releases that are kept no longer, in the transactions of those that are appended."""

    def __init__(self, retention: Retention) -> None:
        self._retention = retention
        self._looked = -math.inf
        self._targets: dict[int, int] = {}
        """Rollbacks, and what they went back to, among the releases up to the one below."""
        self._known: ReleaseKey | None = None

    def removals(
        self,
        connection: sa.Connection,
        previous: ReleaseKey | None,
        target: int | None,
        snapshot: Callable[[int], bytes],
    ) -> Iterator[Statement]:
        """Yield what is left to do to remove the releases that a new one makes too many.

        ``previous`` is the newest before it, ``target`` the number of the one whose content it
        brings back. ``snapshot`` gives what is kept of a release that stays alone.
        """
        number = 1 if previous is None else previous[0] + 1
        last = self._last(connection, number)
        if last < 1:
            return
        if self._known != previous:
            self._targets = dict(map(tuple, connection.execute(_TARGETS)))
            self._known = previous
        after = {**self._targets, number: target}
        kept = {one for found, one in after.items() if one and one <= last < found}
        if not kept:
            yield Statement(_UP_TO, [{"last": last}])
            return
        columns = RELEASES.c
        lone = sa.select(columns.number).where(
            columns.number.in_(kept), sa.func.length(columns.snapshot) == 0
        )
        for one in connection.execute(lone).scalars().all():
            values = {"snapshot": snapshot(one)}
            connection.execute(sa.update(RELEASES).where(columns.number == one).values(values))
        connection.execute(_UP_TO.where(columns.number.not_in(kept)), {"last": last})

    def appended(
        self, previous: ReleaseKey | None, release: ReleaseKey, target: int | None
    ) -> None:
        """Note that a release was written; the other arguments are those of ``removals``.

        What follows one that is not known itself is no more known: of all before it must be.
        """
        if self._known != previous:
            return
        if target is not None:
            self._targets[release[0]] = target
        self._known = release

    def _last(self, connection: sa.Connection, newest: int) -> int:
        """Return the number of the newest release that is kept no longer; 0 for none."""
        last = newest - self._retention.count
        now = time.time()
        if now - self._looked > _LOOK:
            self._looked = now
            old = sa.select(sa.func.max(RELEASES.c.number)).where(
                RELEASES.c.created_at < now - self._retention.age,
                RELEASES.c.number <= newest - _NEVER_REMOVED,
            )
            last = max(last, connection.execute(old).scalar() or 0)
        return last
