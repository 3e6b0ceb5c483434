# SPDX-License-Identifier: Apache-2.0
"""Windows that slide: the previous one counts as far as it still reaches into the last ``size``.

``rate = current + previous * (size - elapsed) / size``: Kong's rate limiting library, developer
documentation of 3.15.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor
from typing import NamedTuple

from gateway.plugins.shared_counters import Counter, SharedCounters, Table

_TITLES = {
    1: "Second",
    60: "Minute",
    3600: "Hour",
    86400: "Day",
    2592000: "Month",
    31536000: "Year",
}


class Judgement(NamedTuple):
    """What becomes of a request, and what its client is told."""

    passes: bool
    left: list[int]
    """What each window still leaves."""
    tightest: int
    """The place of the window that leaves least."""
    reset: int
    """In how many seconds that one lets a request pass again, or begins anew."""


class Window:
    """So many requests of one origin in ``size`` seconds; without ``slides`` in fixed windows."""

    def __init__(
        self, name: str, size: float, limit: float, counters: SharedCounters, *, slides: bool
    ) -> None:
        self.size = size
        self.limit = limit
        self.slides = slides
        self.title = _TITLES.get(int(size), f"{size:.14g}").encode()
        self._name = f"{name}\n{size}"
        self._counters = counters
        self._number = -1
        self._present: Table
        self._former: Table

    def place(self, now: float) -> tuple[int, float]:
        """Return the number of the present window, and the seconds since it began."""
        number = int(now // self.size)
        return number, now - number * self.size

    def weight(self, now: float) -> float:
        """Return how much the previous window counts at this time, from 1 down to 0."""
        return (self.size - self.place(now)[1]) / self.size if self.slides else 0.0

    def counters(self, origin: str, now: float) -> tuple[Counter, Counter]:
        """Return the node's counts of the present and the previous window."""
        number = int(now // self.size)
        if number != self._number:
            self._present, self._former = self._table(number), self._table(number - 1)
            self._number = number
        return self._present.counter(origin), self._former.counter(origin)

    def _table(self, number: int) -> Table:
        # A table holds one window, so two of them take turns; each is there for two windows.
        end = (number + 2) * self.size
        return self._counters.table(f"{self._name}\n{number % 2}", number, end)

    def room(self, current: int, previous: int, now: float) -> float:
        """Return how many more may pass now; negative where the limit is exceeded."""
        if not previous:
            return self.limit - current
        return self.limit - current - previous * self.weight(now)

    def ends(self, now: float) -> float:
        """Return in how many seconds the present window is over."""
        return self.size - now % self.size

    def opens(self, current: int, previous: int, now: float) -> float:
        """Return in how many seconds one more may pass, when nothing comes meanwhile."""
        left = self.ends(now)
        if not self.slides:
            return left
        room = self.limit - 1 - current
        if room >= 0:
            return max(0.0, left - room * self.size / previous) if previous else 0.0
        # Not in this window; in the next one what is counted now is the previous.
        return left + self.size * max(0.0, 1 - max(0.0, self.limit - 1) / current)


def judge(
    windows: Sequence[Window], counts: Sequence[int], now: float, *, counted: bool
) -> Judgement:
    """Decide about one request by what was counted before it.

    ``counts`` holds the present and the previous count of each window in turn. ``counted``: the
    request counts also when it is refused.
    """
    rooms = []
    for place, window in enumerate(windows):
        rooms.append(window.room(counts[2 * place], counts[2 * place + 1], now))
    passes = min(rooms) >= 1
    left: list[int] = []
    tightest = 0
    for place, room in enumerate(rooms):
        left.append(floor(room - 1) if passes else max(0, floor(room)))
        # Of equal ones the longest counts: it makes the client wait longer.
        if left[place] <= left[tightest]:
            tightest = place
    window = windows[tightest]
    current, previous = counts[2 * tightest], counts[2 * tightest + 1]
    wait = window.ends(now) if passes else window.opens(current + counted, previous, now)
    return Judgement(passes, left, tightest, max(1, ceil(wait)))
