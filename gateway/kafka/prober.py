# SPDX-License-Identifier: Apache-2.0
"""The calls to librdkafka that block, on threads of their own: probes, look-ups, the end."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Protocol

from gateway.kafka.client import Client
from gateway.kafka.config import ProducerConfig
from gateway.kafka.librdkafka import DESTROYED
from gateway.kafka.watch import Watch
from gateway.tasks import BackgroundTasks

_THREADS = 2
"""For each client: one whose cluster does not respond keeps its own busy, and no other's."""
_LONGEST_PROBE = 5000
_BARRED_PAUSE = 1.0
_REFRESH = 1.0
"""Seconds between two look-ups of topics that were lost."""
_RETIRE_LOOKS = 200


class Probed(Protocol):
    """A producer, as far as it is probed."""

    config: ProducerConfig
    topics: set[str]
    watch: Watch

    @property
    def client(self) -> Client:
        """The client that probes go through."""
        ...


class Prober:
    """Serves all producers of a pool. Calls on the event loop's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._threads: dict[Client, ThreadPoolExecutor] = {}
        self._calls: dict[Client, set[asyncio.Future[int]]] = {}
        self._watched: dict[Probed, asyncio.TimerHandle] = {}
        self._refreshed: dict[Probed, float] = {}
        self._tasks = BackgroundTasks()

    def watch(self, producer: Probed, *, afresh: bool = False) -> None:
        """Probe once an interval until Kafka is back; once a second while records are barred.

        ``afresh``: the interval begins now.
        """
        timer = self._watched.get(producer)
        if afresh and timer is not None:
            timer.cancel()
            del self._watched[producer]
        if producer not in self._watched and not producer.watch.closed:
            pause = producer.config.gating.interval / 1000
            if producer.watch.connectivity.barred is not None:
                pause = min(pause, _BARRED_PAUSE)
            self._watched[producer] = self._loop.call_later(pause, self._probe, producer)

    def refresh(self, producer: Probed) -> None:
        """Look the producer's topics up again, at most once a second."""
        now = monotonic()
        if now < self._refreshed.get(producer, 0.0) or producer.watch.closed:
            return
        self._refreshed[producer] = now + _REFRESH
        for topic in producer.topics:
            call = self._ask(producer.client, topic, _LONGEST_PROBE)
            call.add_done_callback(lambda done: done.result())

    async def warm(self, producer: Probed, within: float) -> None:
        """Connect and find the leaders of the declared topics, for at most ``within`` seconds."""
        wait = max(1, int(within * 1000))
        topics: list[str | None] = list(producer.topics) or [None]
        calls = [self._ask(producer.client, topic, wait) for topic in topics]
        done, _ = await asyncio.wait(calls, timeout=within)
        if any(call.result() == 0 for call in done):
            producer.watch.probed(0)

    def find(self, client: Client, topic: str, wait: int) -> asyncio.Future[int]:
        """Have a topic's leaders looked up within ``wait`` ms; an error code comes of it."""
        return self._ask(client, topic, wait)

    def retire(self, client: Client) -> None:
        """Destroy a client that was purged, after its last reports."""
        self._tasks.start(self._retire(client))

    async def destroy(self, client: Client) -> None:
        """Destroy a client when no call of ours uses it any more."""
        calls = self._calls.pop(client, set())
        if calls:
            await asyncio.wait(calls)
        threads = self._threads_of(client)
        await self._loop.run_in_executor(threads, client.destroy)
        del self._threads[client]
        threads.shutdown(wait=False)

    def forget(self, producer: Probed) -> None:
        """Probe a producer no more."""
        timer = self._watched.pop(producer, None)
        if timer is not None:
            timer.cancel()
        self._refreshed.pop(producer, None)

    async def close(self) -> None:
        """Wait for what is under way and end the threads."""
        for timer in self._watched.values():
            timer.cancel()
        await self._tasks.wait()
        for threads in self._threads.values():
            threads.shutdown(wait=False)

    def _probe(self, producer: Probed) -> None:
        self._watched.pop(producer, None)
        if producer.watch.closed:
            return
        wait = min(max(producer.config.gating.interval, 1000), _LONGEST_PROBE)
        topic = min(producer.topics, default=None)
        call = self._ask(producer.client, topic, wait)
        call.add_done_callback(lambda done: self._probed(producer, done.result()))

    def _probed(self, producer: Probed, code: int) -> None:
        producer.watch.probed(code)
        if producer.watch.health.doubtful:
            self.watch(producer)

    def _ask(self, client: Client, topic: str | None, wait: int) -> asyncio.Future[int]:
        if client.detached:
            # Its threads are gone, or will be.
            known: asyncio.Future[int] = self._loop.create_future()
            known.set_result(DESTROYED)
            return known
        threads = self._threads_of(client)
        call = self._loop.run_in_executor(threads, client.metadata, topic, wait)
        calls = self._calls.setdefault(client, set())
        calls.add(call)
        call.add_done_callback(calls.discard)
        return call

    def _threads_of(self, client: Client) -> ThreadPoolExecutor:
        found = self._threads.get(client)
        if found is None:
            found = ThreadPoolExecutor(_THREADS, thread_name_prefix="kafka-probe")
            self._threads[client] = found
        return found

    async def _retire(self, client: Client) -> None:
        for _ in range(_RETIRE_LOOKS):
            if not client.queued:
                break
            await asyncio.sleep(0.05)
        client.detach()
        await self.destroy(client)
