# SPDX-License-Identifier: Apache-2.0
"""Values that are fetched when they are needed, kept for a while, and outlive their source."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from time import monotonic
from typing import Generic, NamedTuple, TypeVar

from gateway.errors import GatewayError
from gateway.logs import get_logger

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_log = get_logger("gateway.outgoing")


class Loaded(NamedTuple, Generic[V]):
    """A fetched value and how many seconds it is good for; not more than 0: for this time only."""

    value: V
    ttl: float


@dataclass(frozen=True)
class Keeping:
    """How values are kept; times in seconds."""

    stale: float = 0.0
    """How long a value is used beyond its time while the next one is fetched beside it."""
    unreachable: float = 0.0
    """How long a value is used beyond its time while the next one cannot be had."""
    first_pause: float = 1.0
    longest_pause: float = 30.0
    """Between failures: the first pause, then twice as long each time."""
    most: int = 1000
    """Values and failures together; of more, the oldest go."""


@dataclass(slots=True)
class _Kept(Generic[V]):
    value: V | None = None
    ends: float = float("-inf")
    """When it is no longer fresh; at ``-inf`` there is no value."""
    fetched: float = float("-inf")
    failure: GatewayError | None = None
    again: float = float("-inf")
    """When the next attempt may begin, after a failure."""
    pause: float = 0.0


class Keeper(Generic[K, V]):
    """``load`` fetches a value by its key; it raises a ``GatewayError`` where it cannot.

    All calls on the event loop's thread; of several that need the same key, one fetches.
    ``clock`` counts seconds.
    """

    def __init__(
        self,
        load: Callable[[K], Awaitable[Loaded[V]]],
        keeping: Keeping,
        *,
        name: str,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._load = load
        self._keeping = keeping
        self._name = name
        self._clock = clock
        self._kept: dict[K, _Kept[V]] = {}
        self._tasks: dict[K, asyncio.Task[Loaded[V]]] = {}

    def __len__(self) -> int:
        """How many values and failures are kept."""
        return len(self._kept)

    def peek(self, key: K) -> V | None:
        """Return the value if ``get`` would not wait for it; one that is stale is fetched anew."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        now = self._clock()
        if now < kept.ends:
            return kept.value
        if now < kept.ends + self._keeping.stale:
            if now >= kept.again:
                self._start(key)
            return kept.value
        if now < kept.again and now < kept.ends + self._keeping.unreachable:
            return kept.value
        return None

    async def get(self, key: K) -> V:
        """Return the value; raises the ``GatewayError`` of ``load``, also again while it pauses."""
        value = self.peek(key)
        if value is not None:
            return value
        kept = self._kept.get(key)
        if kept is not None and kept.failure is not None and self._clock() < kept.again:
            raise kept.failure
        return await self._fetch(key)

    async def renew(self, key: K, *, older: float) -> V:
        """Fetch the value anew unless that happened, or failed, within ``older`` seconds."""
        kept, now = self._kept.get(key), self._clock()
        if kept is None or (now - kept.fetched >= older and now >= kept.again):
            return await self._fetch(key)
        return await self.get(key)

    def drop(self, key: K) -> None:
        """Forget the value and what went wrong with it."""
        self._kept.pop(key, None)

    def close(self) -> None:
        """Give up what is being fetched."""
        for task in list(self._tasks.values()):
            task.cancel()

    async def _fetch(self, key: K) -> V:
        self._start(key)
        try:
            return (await asyncio.shield(self._tasks[key])).value
        except GatewayError:
            kept = self._kept.get(key)
            if kept is None or kept.value is None:
                raise
            if self._clock() >= kept.ends + self._keeping.unreachable:
                raise
            return kept.value

    def _start(self, key: K) -> None:
        if key not in self._tasks:
            task = asyncio.get_running_loop().create_task(self._run(key))
            self._tasks[key] = task
            task.add_done_callback(lambda done: self._ended(key, done))

    async def _run(self, key: K) -> Loaded[V]:
        try:
            loaded = await self._load(key)
        except GatewayError as error:
            self._failed(key, error)
            raise
        now = self._clock()
        if loaded.ttl > 0:
            self._put(key, _Kept(loaded.value, now + loaded.ttl, now))
        else:
            self.drop(key)
        return loaded

    def _failed(self, key: K, error: GatewayError) -> None:
        kept = self._kept.get(key) or _Kept()
        kept.failure = error
        longest = self._keeping.longest_pause
        kept.pause = min(longest, kept.pause * 2 or self._keeping.first_pause)
        kept.again = self._clock() + kept.pause
        self._put(key, kept)
        _log.warning(f"{self._name} could not be fetched", problem=str(error), again_in=kept.pause)

    def _put(self, key: K, kept: _Kept[V]) -> None:
        self._kept.pop(key, None)
        self._kept[key] = kept
        while len(self._kept) > self._keeping.most:
            del self._kept[next(iter(self._kept))]

    def _ended(self, key: K, task: asyncio.Task[Loaded[V]]) -> None:
        self._tasks.pop(key, None)
        if not task.cancelled():
            # Looked at, in case that nobody waits for it.
            task.exception()
