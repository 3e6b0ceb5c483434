# SPDX-License-Identifier: Apache-2.0
"""One producer for each distinct configuration of a worker, shared and counted."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway.kafka.config import ProducerConfig
from gateway.kafka.prober import Prober
from gateway.kafka.producer import Producer
from gateway.kafka.topic_counts import summed

_UNUSED_CLOSE = 15.0
"""Seconds in which a producer without users may send what it has."""


class ProducerPool:
    """Hands out producers; all calls on the event loop's thread.

    A plugin gets its producer when it is made and releases it when it is closed. The handlers of
    a new snapshot are made before those of the old one are closed, so a producer whose
    configuration did not change is carried over with its connections.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._prober = Prober(loop)
        self._producers: dict[ProducerConfig, Producer] = {}
        self._closing: dict[asyncio.Task[None], Producer] = {}
        self._past: dict[str, Any] = {"records": 0, "failures": {}, "refusals": {}, "topics": {}}

    def get(self, config: ProducerConfig) -> Producer:
        """Return the producer of this configuration; raises ``ProduceError`` if it cannot be."""
        found = self._producers.get(config)
        if found is not None:
            found.users += 1
            return found
        made = self._producers[config] = Producer(config, self.loop, self._prober)
        return made

    def all(self) -> list[Producer]:
        """Return the producers that are in use."""
        return list(self._producers.values())

    def release(self, producer: Producer) -> None:
        """Say that one user less needs it; the last one has it flushed and closed."""
        producer.users -= 1
        if producer.users == 0:
            del self._producers[producer.config]
            self._close(producer, _UNUSED_CLOSE)

    async def warm(self, within: float) -> None:
        """Connect all producers and find their topics' leaders; never longer than ``within`` s."""
        producers = list(self._producers.values())
        if producers:
            await asyncio.gather(*(self._prober.warm(one, within) for one in producers))

    async def close(self, within: float) -> None:
        """Flush and close everything; what is not sent ``within`` seconds is lost."""
        for producer in self._producers.values():
            self._close(producer, within)
        self._producers.clear()
        if self._closing:
            await asyncio.wait(self._closing)
        await self._prober.close()

    def metrics(self) -> dict[str, Any]:
        """Return sums over all producers, and each producer by itself.

        ``records`` written, ``failures`` by librdkafka's reason (not written although accepted),
        ``refusals`` by reason (not accepted), ``topics``: see ``TopicCounts``, ``messages`` and
        ``bytes`` buffered or in flight, ``limit_messages`` and ``limit_bytes``: what may be,
        ``producers``: the same for each, with ``name``, ``state`` (up, down, unknown), ``healthy``.
        Counters never fall, also when producers go.
        """
        each = [one.metrics() for one in self._producers.values()]
        leaving = [one.metrics() for one in self._closing.values()]
        everyone = [self._past, *each, *leaving]
        return {
            "records": sum(one["records"] for one in everyone),
            "failures": _sum(one["failures"] for one in everyone),
            "refusals": _sum(one["refusals"] for one in everyone),
            "messages": sum(one["messages"] for one in each + leaving),
            "bytes": sum(one["bytes"] for one in each + leaving),
            "topics": summed(one["topics"] for one in everyone),
            "limit_messages": sum(one.config.buffer_messages for one in self._producers.values()),
            "limit_bytes": sum(one.config.buffer_bytes for one in self._producers.values()),
            "producers": each,
        }

    def _close(self, producer: Producer, within: float) -> None:
        self._prober.forget(producer)
        task = self.loop.create_task(producer.close(within))
        self._closing[task] = producer
        task.add_done_callback(self._gone)

    def _gone(self, task: asyncio.Task[None]) -> None:
        last = self._closing.pop(task).metrics()
        self._past = {
            "records": self._past["records"] + last["records"],
            "failures": _sum((self._past["failures"], last["failures"])),
            "refusals": _sum((self._past["refusals"], last["refusals"])),
            "topics": summed((self._past["topics"], last["topics"])),
        }


def _sum(counters: Any) -> dict[str, int]:
    total: dict[str, int] = {}
    for counter in counters:
        for reason, number in counter.items():
            total[reason] = total.get(reason, 0) + number
    return total
