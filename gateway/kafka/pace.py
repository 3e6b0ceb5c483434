# SPDX-License-Identifier: Apache-2.0
"""How long a batch waits for company: at moderate load what comes within two milliseconds goes
together, and a caller that is alone never waits.

A batch has its price whatever is in it: threads are woken, a request is written, a response is
read. Under full load it is shared by many records anyway. At some thousand records a second each
would pay it alone, and take four times the CPU time that it takes under full load.
"""

from __future__ import annotations

SMALL = 32
"""Batches up to this many records are small: one more in them saves more than it costs."""
_GAP = 0.002
"""Seconds from one batch to the next while they are small."""
_REMEMBERED = 8
"""Batches whose number of records tells how much company there is."""


class Pace:
    """Knows how many records a batch is likely to get. Times in seconds of any clock.

    ``expected``: with as many staged nothing is left to wait for; 0: nothing is waited for at all.
    That is the most that one of the last batches had, since callers who wait for their responses
    come back together: waiting for more than there are would only keep them.
    """

    def __init__(self) -> None:
        self.expected = 0
        self._went_at = 0.0
        self._sizes = [0] * _REMEMBERED
        self._next = 0

    def went(self, records: int, now: float) -> None:
        """Note that a batch was handed over."""
        self._went_at = now
        self._sizes[self._next] = records
        self._next = (self._next + 1) % _REMEMBERED
        most = max(self._sizes)
        self.expected = most if 1 < most <= SMALL else 0

    def pause(self, staged: int, now: float) -> float:
        """Return how long a batch with so many records waits for more; 0 or less: it goes."""
        if staged >= self.expected:
            return 0.0
        return self._went_at + _GAP - now
