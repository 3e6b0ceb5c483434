# SPDX-License-Identifier: Apache-2.0
"""A queue of log entries on their way to one sink: bounded, in batches, with retries.

Its settings and what they mean are Kong's (``kong/tools/queue.lua`` of 3.10). Adding an entry never
waits: when there is no room the oldest ones go, and are counted. They live in the worker's memory,
and end with it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import islice, repeat
from time import monotonic

from gateway.errors import OutgoingError
from gateway.logs import get_logger
from gateway.plugins.logging.counts import LogCounts

_log = get_logger("gateway.plugins.logging")
_FULL = "queue full, dropping old entries until processing is successful again"
_NEARLY_FULL = 0.8
_SHORT = 0.05
"""Seconds of coalescing that are not worth waiting for, and those left to a queue that closes."""
_MOST_DOUBLINGS = 40
_LAST_TRIES = 1.0
"""Seconds in which a queue that closes tries again where its sink does not take entries."""
_NEVER = 1 << 62
_BETWEEN_LINES = 60.0
"""Seconds between two lines about a sink that takes nothing, and …"""
_SHORTEST_SILENCE = 1.0
"""… where it took something in between."""

Send = Callable[[list[bytes]], Awaitable[int]]
"""Delivers entries in their order and returns how many it did, from the first on.

Raises ``OutgoingError`` for none. It counts what it delivers; an entry that never can be is to be
counted as dropped, and is done here."""


@dataclass(frozen=True)
class QueueLimits:
    """Numbers of entries, bytes, and seconds; see ``gateway.plugins.logging.fields``."""

    batch: int = 1
    coalescing: float = 1.0
    entries: int = 10_000
    bytes: int | None = None
    retry_time: float = 60.0
    """-1: no end."""
    first_delay: float = 0.01
    longest_delay: float = 60.0
    at_once: bool = False
    """Each entry is sent by itself, beside the others (``concurrency_limit`` -1)."""


class QueueClock:
    """The time as queues see it, in seconds; tests have another."""

    def now(self) -> float:
        """Return a time that only grows."""
        return monotonic()

    async def wait(self, signal: asyncio.Future[None], seconds: float | None) -> None:
        """Return when the signal is given or the time is over."""
        await asyncio.wait((signal,), timeout=seconds)


class BatchQueue:
    """The entries of one plugin for one sink.

    ``send`` and ``limits`` may be replaced at any time: they hold for older entries as well.
    """

    def __init__(
        self,
        plugin: str,
        limits: QueueLimits,
        send: Send,
        counts: LogCounts,
        clock: QueueClock | None = None,
    ) -> None:
        self.limits = limits
        self.send = send
        self.users = 1
        self.fills: set[Callable[[], None]] = set()
        """What adds entries that are made late; called before the end."""
        self._plugin = plugin
        self._counts = counts
        self._clock = clock or QueueClock()
        self._entries: deque[bytes] = deque()
        self._bytes = 0
        self._sending = 0
        """How many of the entries, from the first on, are being sent."""
        self._in_flight = False
        """The sink has them, and has not said whether it takes them."""
        self._lost_meanwhile = 0
        """Of those in flight: dropped, as far as they are not taken."""
        self._silent_until = 0.0
        self._signal: asyncio.Future[None] | None = None
        self._wake_at = 0
        """So many entries begin or end the wait."""
        self._task: asyncio.Task[None] | None = None
        self._alone: set[asyncio.Task[None]] = set()
        self._closing = False
        self._end = float("inf")
        self._full = self._nearly_full = False

    def __len__(self) -> int:
        """How many entries are not delivered yet."""
        return len(self._entries) + len(self._alone)

    @property
    def is_at_work(self) -> bool:
        """Whether it was used, so that there is something to end."""
        return self._task is not None or bool(self._alone)

    @property
    def limits(self) -> QueueLimits:
        """Its settings."""
        return self._limits

    @limits.setter
    def limits(self, limits: QueueLimits) -> None:
        self._limits = limits
        # Below these there is nothing to look at.
        self._few = -1 if limits.at_once else int(_NEARLY_FULL * limits.entries)
        self._small = float("inf") if limits.bytes is None else limits.bytes

    def add(self, entry: bytes) -> None:
        """Take an entry; called on the loop's thread, never waits."""
        entries = self._entries
        size = self._bytes + len(entry)
        if len(entries) >= self._few or size > self._small:
            if not self._make_room(entry):
                return
            size = self._bytes + len(entry)
        entries.append(entry)
        self._bytes = size
        if len(entries) >= self._wake_at:
            self._wake()

    def add_all(self, entries: list[bytes]) -> None:
        """Take entries that came together, as ``add`` takes each."""
        size = self._bytes + sum(map(len, entries))
        if len(self._entries) + len(entries) > self._few or size > self._small:
            for entry in entries:
                self.add(entry)
            return
        self._entries += entries
        self._bytes = size
        if len(self._entries) >= self._wake_at:
            self._wake()

    async def close(self, within: float) -> None:
        """Deliver what is left, in so many seconds at most; count what is not as dropped."""
        for fill in self.fills:
            fill()
        self._closing = True
        self._end = self._clock.now() + _LAST_TRIES
        self._wake()
        tasks = [*self._alone, *((self._task,) if self._task is not None else ())]
        if tasks:
            await asyncio.wait(tasks, timeout=within)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        left = len(self._entries) + self._lost_meanwhile
        if left:
            self._counts.dropped(self._plugin, "closed", left)
            _log.error("log entries lost: the queue was closed", plugin=self._plugin, entries=left)
            self._entries.clear()

    def _make_room(self, entry: bytes) -> bool:
        """Drop what has to go for an entry; False: the entry does not go into the queue."""
        limits, entries = self._limits, self._entries
        if limits.at_once:
            self._add_alone(entry)
            return False
        if limits.bytes is not None:
            if len(entry) > limits.bytes:
                self._counts.dropped(self._plugin, "too_large")
                _log.error("log entry larger than max_bytes", plugin=self._plugin)
                return False
            while entries and self._bytes + len(entry) > limits.bytes:
                self._drop_oldest()
        while len(entries) >= limits.entries:
            self._drop_oldest()
        if not self._nearly_full:
            self._nearly_full = True
            _log.warning("queue is nearly full", plugin=self._plugin, entries=len(entries))
        return True

    def _drop_oldest(self) -> None:
        self._bytes -= len(self._entries.popleft())
        if self._in_flight and self._sending:
            self._lost_meanwhile += 1
        else:
            self._counts.dropped(self._plugin, "queue_full")
        self._sending = max(self._sending - 1, 0)
        if not self._full:
            self._full = True
            _log.error(_FULL, plugin=self._plugin, entries=len(self._entries) + 1)

    def _wake(self) -> None:
        signal = self._signal
        if signal is not None:
            self._wake_at = _NEVER
            if not signal.done():
                signal.set_result(None)
        elif self._task is None and self._entries:
            self._wake_at = _NEVER
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def _wait(self, seconds: float | None, wake_at: int) -> None:
        """Wait for a time, or until there are so many entries."""
        self._signal = asyncio.get_running_loop().create_future()
        self._wake_at = wake_at
        await self._clock.wait(self._signal, seconds)
        self._signal, self._wake_at = None, _NEVER

    async def _work(self) -> None:
        while True:
            while not self._entries:
                if self._closing:
                    return
                await self._wait(None, 1)
            await self._coalesce()
            await self._deliver()
            if self._sending:
                return

    async def _coalesce(self) -> None:
        """Wait for more entries after the first."""
        limits = self.limits
        until = self._clock.now() + limits.coalescing
        while not self._closing and len(self._entries) < self.limits.batch:
            left = until - self._clock.now()
            if left < (_SHORT if limits.coalescing > _SHORT else 1e-3):
                return
            await self._wait(left, self.limits.batch)

    async def _deliver(self) -> None:
        """Send a batch, again and again until it is taken or its time is over."""
        began = self._clock.now()
        tried = 0
        self._sending = min(len(self._entries), self.limits.batch)
        while self._sending:
            problem = await self._attempt()
            if not self._sending:
                return
            if self._time_is_over(began):
                self._give_up(problem)
                return
            if self._clock.now() >= self._end:
                return
            await self._wait(self._delay(tried), _NEVER)
            tried += 1

    async def _attempt(self) -> str:
        """Send what is left of the batch; return what was wrong where something still is left."""
        batch = list(islice(self._entries, self._sending))
        problem = "the sink took only a part"
        taken = 0
        self._in_flight = True
        try:
            taken = await self.send(batch)
        except OutgoingError as error:
            problem = self._failed(error)
        except Exception as error:
            problem = self._bug(error)
        finally:
            self._in_flight = False
        lost, self._lost_meanwhile = self._lost_meanwhile, 0
        if taken < lost:
            self._counts.dropped(self._plugin, "queue_full", lost - taken)
        if taken:
            self._resumed()
        self._remove(min(max(taken - lost, 0), self._sending))
        return problem

    def _remove(self, count: int) -> None:
        """Let the first entries go, which are delivered."""
        self._sending -= count
        entries = self._entries
        if count == len(entries):
            entries.clear()
            self._bytes = 0
            return
        self._bytes -= sum(map(len, islice(entries, count)))
        take = entries.popleft
        for _ in repeat(None, count):
            take()

    def _failed(self, error: OutgoingError) -> str:
        """Return what is wrong, and log it before anything is lost by it."""
        problem, now = str(error), self._clock.now()
        if now >= self._silent_until:
            self._silent_until = now + _BETWEEN_LINES
            _log.warning(
                "log entries wait: they cannot be delivered",
                plugin=self._plugin,
                entries=len(self._entries) or len(self._alone),
                problem=problem,
            )
        return problem

    def _bug(self, error: Exception) -> str:
        _log.error("a log plugin failed", plugin=self._plugin, exc_info=error)
        return type(error).__name__

    def _time_is_over(self, began: float) -> bool:
        limit = self.limits.retry_time
        return 0 <= limit <= self._clock.now() - began

    def _delay(self, tried: int) -> float:
        limits = self.limits
        if self._closing:
            return min(limits.first_delay, _SHORT)
        doubled = limits.first_delay * 2.0 ** min(tried, _MOST_DOUBLINGS)
        return min(limits.longest_delay, doubled)

    def _give_up(self, problem: str) -> None:
        lost, self._sending = self._sending, 0
        for _ in range(lost):
            self._bytes -= len(self._entries.popleft())
        self._count_lost(lost, problem)

    def _count_lost(self, lost: int, problem: str) -> None:
        self._counts.dropped(self._plugin, "not_delivered", lost)
        _log.error("log entries lost", plugin=self._plugin, entries=lost, problem=problem)

    def _resumed(self) -> None:
        # Another time is told of as well, but not each entry of a sink that takes every second.
        self._silent_until = min(self._silent_until, self._clock.now() + _SHORTEST_SILENCE)
        if self._full:
            self._full = False
            _log.info("queue resumed processing", plugin=self._plugin)
        if self._nearly_full and len(self._entries) < _NEARLY_FULL / 2 * self.limits.entries:
            self._nearly_full = False

    # --- each entry by itself ----------------------------------------------------------------

    def _add_alone(self, entry: bytes) -> None:
        if len(self._alone) >= self.limits.entries:
            self._counts.dropped(self._plugin, "queue_full")
            if not self._full:
                self._full = True
                _log.error(_FULL, plugin=self._plugin, entries=len(self._alone))
            return
        task = asyncio.get_running_loop().create_task(self._send_alone(entry))
        self._alone.add(task)
        task.add_done_callback(self._alone.discard)

    async def _send_alone(self, entry: bytes) -> None:
        began, tried = self._clock.now(), 0
        while True:
            try:
                if await self.send([entry]):
                    self._resumed()
                    return
                problem = "the sink did not take it"
            except OutgoingError as error:
                problem = self._failed(error)
            except Exception as error:
                problem = self._bug(error)
            if self._clock.now() >= self._end or self._time_is_over(began):
                self._count_lost(1, problem)
                return
            signal = asyncio.get_running_loop().create_future()
            await self._clock.wait(signal, self._delay(tried))
            tried += 1
