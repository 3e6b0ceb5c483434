# SPDX-License-Identifier: Apache-2.0
"""Slows down who guesses passwords: after the third wrong one, each makes the wait twice as long.

Failures are counted for a user name as one client shows it, by all workers of a node together. So
nobody can lock out a consumer from elsewhere, and each address has few guesses.
"""

from __future__ import annotations

from math import ceil

from gateway.plugins.shared_counters import SharedCounters, Table

TOLERATED = 2
"""Failures before the first wait."""
LONGEST = 3600
"""Seconds of the longest wait."""
_DOUBLINGS = 12
"""Failures after which the wait is the longest."""
WINDOW = 86400
"""Seconds after which all counts begin anew."""


class BruteForceGuard:
    """A password that is right does not reset the count, as in Kong; the day's end does."""

    def __init__(self, scope: str, counters: SharedCounters) -> None:
        self._scope = scope
        self._counters = counters
        self._end = 0.0
        self._start = 0
        self._failures: Table
        self._times: Table

    def wait(self, origin: str, now: float) -> int:
        """Return how many seconds the origin has to wait before it may try again; 0: none.

        ``now`` is in seconds since 1970.
        """
        self._turn(now)
        failures = self._failures.counter(origin).total()
        if failures <= TOLERATED:
            return 0
        last = self._start + self._times.counter(origin).highest()
        length = LONGEST if failures >= _DOUBLINGS else 1 << failures
        return max(0, ceil(last + length - now))

    def failed(self, origin: str, now: float) -> int:
        """Count a failure, and return how long the origin has to wait from now on."""
        self._turn(now)
        self._failures.counter(origin).add()
        self._times.counter(origin).raise_to(int(now) - self._start)
        return self.wait(origin, now)

    def _turn(self, now: float) -> None:
        if now < self._end:
            return
        self._start = int(now // WINDOW * WINDOW)
        self._end = self._start + WINDOW
        window = float(self._start), float(self._end)
        self._failures = self._counters.table(f"{self._scope}\nfailures", *window)
        self._times = self._counters.table(f"{self._scope}\ntimes", *window)
