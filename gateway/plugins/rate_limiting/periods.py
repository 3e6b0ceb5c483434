# SPDX-License-Identifier: Apache-2.0
"""A limit's windows of time, and the counts of the present one."""

from __future__ import annotations

from datetime import UTC, datetime

from gateway.plugins.shared_counters import Counter, SharedCounters, Table

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


class Limit:
    """So many requests of one origin in a period; ``scope`` tells it from other plugins' limits."""

    def __init__(self, scope: str, period: str, most: int, counters: SharedCounters) -> None:
        self.most = most
        self.title = period.title().encode()
        self._start = self._end = 0.0
        self._period = period
        self._name = f"{scope}\n{period}"
        self._counters = counters
        self._table: Table

    def counter(self, origin: str, now: float) -> Counter:
        """Return the count of an origin in the present window."""
        if not self._start <= now < self._end:
            self._start, self._end = window(self._period, now)
            self._table = self._counters.table(self._name, self._start, self._end)
        return self._table.counter(origin)

    def reset(self, now: float) -> int:
        """Return in how many seconds the window ends, one at least."""
        return max(1, int(self._end - now))
