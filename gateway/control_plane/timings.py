# SPDX-License-Identifier: Apache-2.0
"""How long something took, counted for a histogram."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager

BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds in seconds; one more bucket has no bound."""


class Timings:
    """Times in seconds. Counted by one thread at a time, read by any."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.sum = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(BOUNDS, seconds)] += 1
        self.sum += seconds

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Count how long the block takes, also when it fails."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.add(time.monotonic() - started)
