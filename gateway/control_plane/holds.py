# SPDX-License-Identifier: Apache-2.0
"""Held writes: single writes that are collected, and published together as one release.

A hold has a name when its caller knows of it (the header ``HEADER``), and none when a setting has
all single writes held until none has come for a while. What is held is checked at each write, seen
by who reads within the hold, and by no data plane before it is published as a whole.
"""

from __future__ import annotations

from collections import Counter
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal

from gateway.control_plane.delta import Key, RowChange, between
from gateway.control_plane.ownership import canonical
from gateway.control_plane.store import Release
from gateway.entities.checks import Table, check_table
from gateway.errors import NotFound, RequestRejected
from gateway.names.holds import hold_problem

HEADER = "X-Kafka-Gateway-Hold"
"""The header that names a request's hold."""
OF_REQUEST: ContextVar[str | None] = ContextVar("hold", default=None)
"""Name of the hold of the request that is being responded to."""

BrokenOff = Literal["drop", "publish"]

_MOST = 100
"""Holds at the same time."""
_ENDED = 20
"""Holds that have ended which are remembered."""


@dataclass
class Hold:
    """One caller's held writes, or everybody's when it has no name."""

    name: str
    who: str
    base: Release | None
    """The release that ``table`` was made from."""
    table: Table
    """The configuration with what is held, to be read only."""
    begun: float
    touched: float
    """Times of the event loop."""
    delta: dict[Key, RowChange] = field(default_factory=dict)
    writes: int = 0
    refused: bool = False
    """Whether a write was refused: tools break off then."""
    state: str = "open"
    """``open``, ``publishing``, ``published``, or ``dropped:`` with the reason."""
    release: int | None = None

    def rebased(self, newest: Release | None) -> Table:
        """Return the newest release with what is held."""
        if newest is not self.base:
            self.table = applied({} if newest is None else newest.table, self.delta)
            self.base = newest
        return self.table

    def take(self, table: Table) -> None:
        """Take up what a write has made of ``table``."""
        for key, change in between(self.table, table).items():
            known = self.delta.get(key)
            before = change.before if known is None else known.before
            self.delta[key] = RowChange(before, change.after)
        self.table = table

    def rule(self, newest: Table) -> Table:
        """Return a release's configuration with what is held; raises ``DocumentError``."""
        if self.base is not None and self.base.table is newest:
            return self.table  # each write was checked on top of it
        table = applied(newest, self.delta)
        check_table(table)
        return table

    def body(self) -> dict[str, Any]:
        """Return what the Admin API shows of it."""
        return {
            "name": self.name,
            "who": self.who,
            "state": self.state,
            "writes": self.writes,
            "summary": summary(self.delta),
            "release": self.release,
        }


class Holds:
    """The holds of one control plane. Lives on one event loop; none of the methods block."""

    def __init__(self) -> None:
        self._open: dict[str, Hold] = {}
        self._closing: list[Hold] = []
        self._ended: list[Hold] = []

    @property
    def shown(self) -> list[Hold]:
        """All holds: open ones, those being published, and those that ended last."""
        return [*self._open.values(), *self._closing, *self._ended[::-1]]

    @property
    def open(self) -> list[Hold]:
        """The holds that are open, the oldest first."""
        return list(self._open.values())

    def find(self, name: str) -> Hold | None:
        """Return a hold to be read: an open one, or one that is being published."""
        closing = (one for one in self._closing if one.name == name)
        return self._open.get(name) or next(closing, None)

    def get(self, name: str) -> Hold:
        """Return an open hold; raises ``NotFound``."""
        found = self._open.get(name)
        if found is None:
            text = f'no hold "{name}" here'
            raise NotFound(f"{text}: each is in the memory of the control plane that began it")
        return found

    def enter(self, name: str, who: str, newest: Release | None, now: float) -> Hold:
        """Return the hold of this name, begun when there is none. Raises ``RequestRejected``."""
        found = self._open.get(name)
        if found is None:
            if len(self._open) >= _MOST:
                text = f"{_MOST} holds are open; publish or delete some: GET /holds lists them"
                raise RequestRejected(409, text)
            table = {} if newest is None else newest.table
            found = self._open[name] = Hold(name, who, newest, table, now, now)
        return found

    def close(self, hold: Hold) -> None:
        """Let no more writes in: what comes now begins another hold of this name."""
        self._open.pop(hold.name, None)
        self._closing.append(hold)
        hold.state = "publishing"

    def reopen(self, hold: Hold) -> None:
        """Have a hold open again, unless there is another of its name by now."""
        self._leave(hold)
        self._open.setdefault(hold.name, hold)
        hold.state = "open"

    def end(self, hold: Hold, state: str, release: int | None = None) -> None:
        """Forget what a hold held; how it ended is remembered for a while."""
        self._leave(hold)
        if self._open.get(hold.name) is hold:
            del self._open[hold.name]
        hold.state, hold.release = state, release
        hold.base, hold.table = None, {}
        self._ended = [*self._ended[1 - _ENDED :], hold]

    def _leave(self, hold: Hold) -> None:
        self._closing = [one for one in self._closing if one is not hold]


def hold_name(text: str) -> str:
    """Return a name that a caller has given; raises ``RequestRejected``."""
    if problem := hold_problem(text):
        raise RequestRejected(400, f"{HEADER}: {problem}")
    return text


def applied(table: Table, delta: dict[Key, RowChange]) -> Table:
    """Return a configuration with the rows of a delta as they are after it."""
    wanted: dict[str, dict[str, RowChange]] = {}
    for (collection, entity), change in delta.items():
        wanted.setdefault(collection, {})[entity] = change
    result = dict(table)
    for collection, changes in wanted.items():
        kept = [row for row in table.get(collection, ()) if row["id"] not in changes]
        new = [change.after for change in changes.values() if change.after is not None]
        result[collection] = [*kept, *new]
    return canonical(result)


def summary(delta: dict[Key, RowChange]) -> str:
    """Return what a delta does in words: ``12 created, 3 updated``."""
    verbs = Counter(
        "created" if one.before is None else "deleted" if one.after is None else "updated"
        for one in delta.values()
        if one.before != one.after
    )
    order = ("created", "updated", "deleted")
    return ", ".join(f"{verbs[verb]} {verb}" for verb in order if verbs[verb]) or "nothing changed"
