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


class Pace:
    """Knows how many records a batch is likely to get. Times in seconds of any clock.

    ``expected``: with as many staged nothing is left to wait for; 0: nothing is waited for at all.
    Those are the callers that are around: who was just told that his record is written, and who
    has sent one meanwhile. Callers who wait for their responses come back together, and to wait
    for more than there are would only keep them; where others come as well there are more each
    time, until the time ends it.
    """

    def __init__(self) -> None:
        self.expected = 0
        self._went_at = 0.0

    def went(self, now: float) -> None:
        """Note that a batch was handed over."""
        self._went_at = now

    def reported(self, records: int, staged: int) -> None:
        """Note that what was in flight is reported, and how many records have come meanwhile."""
        around = records + staged
        self.expected = around if 1 < around <= SMALL else 0

    def pause(self, staged: int, now: float) -> float:
        """Return how long a batch with so many records waits for more; 0 or less: it goes."""
        if staged >= self.expected:
            return 0.0
        return self._went_at + _GAP - now
