# SPDX-License-Identifier: Apache-2.0
"""A limit's windows of time, and the counts of the present one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import combinations
from math import ceil, inf

from gateway.plugins.shared_counters import Counter, SharedCounters, Table

PERIODS = ("second", "minute", "hour", "day", "month", "year")

_SECONDS = {
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86400,
}
"""Length of the windows that do not follow the calendar."""


def window(period: str, now: float) -> tuple[float, float]:
    """Return beginning and end of the window that a time is in, in seconds since 1970, UTC."""
    if period in ("month", "year"):
        date = datetime.fromtimestamp(now, UTC)
        first = datetime(date.year, date.month if period == "month" else 1, 1, tzinfo=UTC)
        month = first.month % 12 + 1 if period == "month" else 1
        year = first.year + (month == 1)
        return first.timestamp(), datetime(year, month, 1, tzinfo=UTC).timestamp()
    length = _SECONDS[period]
    start = now // length * length
    return start, start + length


def order_problem(limits: Mapping[str, float]) -> str:
    """Return what is wrong with limits by period, the shortest first; empty: nothing."""
    pairs = combinations(limits.items(), 2)
    for (short, low), (long, high) in pairs:
        if high < low:
            return f"{long}({high:.1f}) cannot be lower than the limit for {short}({low:.1f})"
    return ""


class Limit:
    """So many requests of one origin in a period; ``scope`` tells it from other plugins' limits."""

    def __init__(self, scope: str, period: str, limit: float, counters: SharedCounters) -> None:
        self.limit = limit
        # As in Kong, one passes as long as fewer than the limit have.
        self.most = ceil(limit)
        self.period = period
        self.title = period.title().encode()
        self._start = self._end = 0.0
        self._counted_from = inf
        self._name = f"{scope}\n{period}"
        self._counters = counters
        self.table: Table
        """The counts of the window that was entered last."""

    def counter(self, origin: str, now: float) -> Counter:
        """Return the count of an origin in the present window."""
        if not self._counted_from <= now < self._end:
            self._enter(now)
        return self.table.counter(origin)

    def enter(self, now: float) -> None:
        """Make the counts of the present window those of ``table``."""
        if not self._counted_from <= now < self._end:
            self._enter(now)

    def _enter(self, now: float) -> None:
        self._open(now)
        self._counted_from = self._start
        self.table = self._counters.table(self._name, self._start, self._end)

    def key(self, now: float) -> str:
        """Return the end of the name of a counter in Redis: the window's start and the period."""
        self._open(now)
        return f"{self._start * 1000:.0f}:{self.period}"

    @property
    def length(self) -> int:
        """The seconds of the window that was opened last."""
        return int(self._end - self._start)

    @property
    def end(self) -> float:
        """When the window that was opened last is over."""
        return self._end

    def _open(self, now: float) -> None:
        if not self._start <= now < self._end:
            self._start, self._end = window(self.period, now)
            self._counted_from = inf

    def reset(self, now: float) -> int:
        """Return in how many seconds the window ends, one at least."""
        return max(1, int(self._end - now))
