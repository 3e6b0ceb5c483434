# SPDX-License-Identifier: Apache-2.0
"""When the records that were taken have to be reported, at little cost for each."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic

LATE = "_TIMED_OUT"
"""librdkafka's name of what a record past its deadline fails with."""
NO_RESPONSE = "no response from Kafka within the deadline"
_SWEEP = 0.25
"""Seconds between two looks for records past their deadline."""


class Deadlines:
    """Tells up to which token records are late. Tokens grow; a mark stands for all up to its own.

    ``expire`` is called with the last late token and returns whether there is more to look after.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, within: float, expire: Callable[[int], bool]
    ) -> None:
        self._loop = loop
        self._within = within
        self._expire = expire
        self._marks: deque[tuple[float, int]] = deque()
        self._marked = 0
        self._sweeper: asyncio.TimerHandle | None = None

    def mark(self, taken_at: float, token: int) -> int:
        """Note that the records up to a token were taken at a time, or after.

        Return up to which token records may be late: those noted before, or all where the loop, or
        the process, was held up.
        """
        before = self._marked
        if token > before:
            self._marked = token
            self._marks.append((taken_at, token))
            if self._sweeper is None:
                self._sweeper = self._loop.call_later(_SWEEP, self._sweep)
        return token if taken_at <= monotonic() - self._within else before

    def passed(self) -> int:
        """Return the last token that is late by now, whether it was told of or not; 0: none is.

        Where the loop was held up, what is late is not told of yet.
        """
        late, last = monotonic() - self._within, 0
        for taken_at, token in self._marks:
            if taken_at > late:
                break
            last = token
        return last

    def close(self) -> None:
        """Look no more."""
        if self._sweeper is not None:
            self._sweeper.cancel()

    def _sweep(self) -> None:
        self._sweeper = None
        late, last = monotonic() - self._within, 0
        while self._marks and self._marks[0][0] <= late:
            last = self._marks.popleft()[1]
        if self._expire(last):
            self._sweeper = self._loop.call_later(_SWEEP, self._sweep)
        else:
            self._marks.clear()
