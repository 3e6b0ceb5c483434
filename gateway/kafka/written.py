# SPDX-License-Identifier: Apache-2.0
"""Where the records of one request were written: for those who ask, which are few."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic


class WrittenRecords:
    """Takes the reports of records that are about to be sent; see ``Producer.watch_tokens``."""

    def __init__(self, wanted: int) -> None:
        self.since = monotonic()
        """When they were handed over, and …"""
        self.until = 0.0
        """… when the last of them was reported; monotonic seconds."""
        self.places: list[tuple[str, int, int]] = []
        """Topic, partition and offset of each that was written."""
        self.problem = ""
        """The name of an error of one that was not."""
        self.on_settled: Callable[[], None] | None = None
        """Called when all are reported."""
        self._left = wanted

    @property
    def settled(self) -> bool:
        """Whether all are reported."""
        return self._left <= 0

    def take(self, topic: str, partition: int, offset: int, error: str) -> None:
        """Take one report."""
        self._left -= 1
        self.until = monotonic()
        if error:
            self.problem = error
        else:
            self.places.append((topic, partition, offset))
        if self.settled and self.on_settled is not None:
            then, self.on_settled = self.on_settled, None
            then()
