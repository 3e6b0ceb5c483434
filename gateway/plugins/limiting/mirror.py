# SPDX-License-Identifier: Apache-2.0
"""Counts of Redis as one worker knows them, with what it has counted since.

Between two exchanges a worker decides by itself. What it counted while Redis was unreachable goes
there when it is back. Counts that nobody asked for between two exchanges are forgotten.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import time
from typing import TYPE_CHECKING

from gateway.errors import RedisFailed
from gateway.plugins.limiting.scripts import script
from gateway.tasks import BackgroundTasks

if TYPE_CHECKING:
    from gateway.redis.client import RedisClient

_MOST = 1 << 16
"""Sets of counts that a worker keeps for one plugin; the oldest go when there are more."""

Keys = tuple[str, ...]


class MirroredCounts:
    """The counters of one origin. ``known`` is what Redis said, ``own`` what was counted since."""

    __slots__ = ("ends", "known", "lives", "own", "used")

    def __init__(self, known: list[int], lives: Sequence[int], ends: float) -> None:
        self.known = known
        self.own = [0] * len(known)
        self.lives = tuple(lives)
        self.ends = ends
        """When nobody asks for them any more, in seconds since 1970: a window is over."""
        self.used = True

    def totals(self) -> list[int]:
        """Return the counts as far as they are known here."""
        return [known + own for known, own in zip(self.known, self.own, strict=True)]

    def add(self, amounts: Sequence[int]) -> None:
        """Count, here for now."""
        self.own = [own + amount for own, amount in zip(self.own, amounts, strict=True)]
        self.used = True


class Mirror:
    """What one plugin of a worker keeps of Redis; ``every`` is in seconds."""

    def __init__(self, client: RedisClient, every: float) -> None:
        self._client = client
        self._every = every
        self._counts: dict[Keys, MirroredCounts] = {}
        self._tasks = BackgroundTasks()
        self._running = False
        self._exchanging = asyncio.Lock()

    def get(self, keys: Keys) -> MirroredCounts | None:
        """Return the counts of these counters, if they are at hand."""
        return self._counts.get(keys)

    async def load(self, keys: Keys, lives: Sequence[int], ends: float) -> MirroredCounts:
        """Return the counts of these counters, read from Redis. Raises ``RedisFailed``."""
        totals = await self._client.run(script("added"), keys, *_arguments([0] * len(keys), lives))
        # Another request may have read them meanwhile, and counted already.
        return self._counts.get(keys) or self.begin(keys, lives, ends, totals)

    def begin(
        self, keys: Keys, lives: Sequence[int], ends: float, known: list[int] | None = None
    ) -> MirroredCounts:
        """Keep counts from now on; without ``known`` from nought."""
        if len(self._counts) >= _MOST:
            del self._counts[next(iter(self._counts))]
        counts = MirroredCounts(known or [0] * len(keys), lives, ends)
        self._counts[keys] = counts
        if not self._running:
            self._running = True
            self._tasks.start(self._run())
        return counts

    async def exchange(self) -> None:
        """Send what was counted, learn what others have; raises nothing."""
        async with self._exchanging:
            await self._exchange()

    async def _exchange(self) -> None:
        now = time()
        for keys, counts in list(self._counts.items()):
            unsent = any(counts.own) and now < counts.ends + max(counts.lives)
            if not unsent and (counts.ends <= now or not counts.used):
                del self._counts[keys]
        await asyncio.gather(*(self._update(*item) for item in list(self._counts.items())))

    async def _update(self, keys: Keys, counts: MirroredCounts) -> None:
        sent, counts.used = counts.own, False
        try:
            arguments = _arguments(sent, counts.lives)
            totals = await self._client.run(script("added"), keys, *arguments)
        except RedisFailed:
            # Not forgotten: it is sent with the next exchange.
            return
        counts.known = totals
        counts.own = [own - gone for own, gone in zip(counts.own, sent, strict=True)]

    async def _run(self) -> None:
        while self._counts:
            await asyncio.sleep(self._every)
            await self.exchange()
        self._running = False

    async def close(self) -> None:
        """Send what was counted, and end."""
        # An exchange that was cut off half way would be sent again as a whole.
        async with self._exchanging:
            await self._tasks.end()
            await self._exchange()


def _arguments(amounts: Sequence[int], lives: Sequence[int]) -> list[int]:
    return [number for pair in zip(amounts, lives, strict=True) for number in pair]
