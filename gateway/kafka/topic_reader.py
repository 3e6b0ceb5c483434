# SPDX-License-Identifier: Apache-2.0
"""A topic read from a moment in the past to its end, and on, by a consumer on a thread of its own.

No group: each reader reads all partitions. ``committed``: only what was written outside of
transactions or by committed ones, in the order of the log.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from time import time
from typing import NamedTuple

from gateway.kafka.beginnings import ends_of, starts_since
from gateway.logs import get_logger

_log = get_logger("gateway.kafka")

ALONE = {
    "group.id": "kafka-gateway",
    "enable.auto.commit": "false",
    "enable.partition.eof": "true",
    "fetch.wait.max.ms": "100",
    "log_level": "0",
}
"""Settings of a consumer that joins no group, and is told where partitions end."""
_POLL = 0.2
_WITHIN = 10.0
_AGAIN = 1.0
"""Seconds until a topic that could not be looked up is looked up again."""


class ReadRecord(NamedTuple):
    """One record; ``at`` is its timestamp in seconds since 1970."""

    key: bytes
    value: bytes
    at: float


class TopicReader:
    """Calls ``take`` for each record on the event loop; ``ready`` is set at the first end."""

    def __init__(
        self,
        settings: Mapping[str, str],
        topic: str,
        since: float,
        take: Callable[[ReadRecord], None],
        *,
        committed: bool,
    ) -> None:
        self.ready = asyncio.Event()
        self._settings = {
            **settings,
            **ALONE,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed" if committed else "read_uncommitted",
        }
        self._topic = topic
        self._since = since
        self._take = take
        self._loop = asyncio.get_running_loop()
        self._closing = threading.Event()
        threading.Thread(target=self._read, name="topic-reader", daemon=True).start()

    def close(self) -> None:
        """Read no more; the thread ends soon after."""
        self._closing.set()

    def _read(self) -> None:
        from confluent_kafka import Consumer, KafkaError, KafkaException

        consumer = Consumer(self._settings)
        missing: set[int] | None = None
        try:
            while not self._closing.is_set():
                if missing is None:
                    try:
                        missing = self._assign(consumer)
                    except KafkaException as error:
                        _log.error("topic cannot be read", topic=self._topic, problem=str(error))
                        self._closing.wait(_AGAIN)
                    continue
                message = consumer.poll(_POLL)
                if message is None:
                    continue
                problem = message.error()
                if problem is None:
                    at = message.timestamp()[1] / 1000
                    self._call(
                        self._take, ReadRecord(message.key() or b"", message.value() or b"", at)
                    )
                elif problem.code() == KafkaError._PARTITION_EOF:
                    missing.discard(message.partition())
                    if not missing:
                        self._call(self.ready.set)
                elif problem.code() != KafkaError.GROUP_AUTHORIZATION_FAILED:
                    # No group is joined, so whether it would be allowed says nothing.
                    _log.warning("reading fails", topic=self._topic, problem=problem.str())
        finally:
            consumer.close()

    def _assign(self, consumer: object) -> set[int]:
        """Begin with the first records that are young enough; return all partitions."""
        from confluent_kafka import Consumer, KafkaError, KafkaException

        assert isinstance(consumer, Consumer)
        found = consumer.list_topics(self._topic, timeout=_WITHIN).topics[self._topic]
        if found.error is not None or not found.partitions:
            raise KafkaException(found.error or KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART))
        places = [(self._topic, number) for number in found.partitions]
        ends = ends_of(consumer, places, _WITHIN)
        since = int((time() - self._since) * 1000)
        consumer.assign(starts_since(consumer, ends, since, _WITHIN))
        return set(found.partitions)

    def _call(self, function: Callable[..., object], *arguments: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *arguments)
