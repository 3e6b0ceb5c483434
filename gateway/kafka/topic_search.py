# SPDX-License-Identifier: Apache-2.0
"""Records with a header, looked for in the youngest part of topics.

What was written outside of transactions can be told for certain only up to a topic's end, and what
a dead client had sent may still be on its way into it. So the search goes to the end, waits while
the brokers respond, and goes to the end again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import monotonic, sleep
from typing import Any

from gateway.errors import SearchFailed, TopicUnreadable
from gateway.kafka.beginnings import Place, ends_of, starts_since
from gateway.kafka.record_headers import headers_of
from gateway.kafka.topic_reader import ALONE

SETTLE = 3.0
"""Seconds from when the brokers responded, after which nothing of a dead client comes any more."""
_STEP = 10.0
"""Seconds for one question to the brokers."""
_POLL = 0.2
_TOGETHER = 1000


def find_headers(
    settings: Mapping[str, str],
    topics: Sequence[str],
    since: float,
    name: str,
    wanted: Callable[[bytes], bool],
    within: float,
) -> set[tuple[str, bytes]]:
    """Return topic and value of each header whose value is wanted, in records since a time.

    Blocks. ``settings``: of the connections; ``since`` in seconds since 1970; ``within`` in
    seconds. Raises ``TopicUnreadable`` where the brokers refuse, ``SearchFailed`` when the time is
    over before the end is reached.
    """
    from confluent_kafka import Consumer, KafkaException

    consumer = Consumer(
        {
            **settings,
            **ALONE,
            "enable.auto.offset.store": "false",
            "auto.offset.reset": "error",
            # No transaction of others may hide a record.
            "isolation.level": "read_uncommitted",
        }
    )
    try:
        return _Search(consumer, name, wanted, monotonic() + within).run(topics, since)
    except KafkaException as error:
        raise _explained(error.args[0]) from None
    finally:
        consumer.close()


class _Search:
    """``_reached``: for each partition the offset before which all was read."""

    def __init__(
        self, consumer: Any, name: str, wanted: Callable[[bytes], bool], end: float
    ) -> None:
        self._consumer = consumer
        self._name = name
        self._wanted = wanted
        self._end = end
        self._reached: dict[Place, int] = {}
        self._found: set[tuple[str, bytes]] = set()

    def run(self, topics: Sequence[str], since: float) -> set[tuple[str, bytes]]:
        """Read to the end, twice."""
        places = [place for topic in topics for place in self._partitions(topic)]
        if not places:
            return set()
        ends = self._begin(places, since)
        self._read(ends)
        sleep(SETTLE)
        self._read(ends_of(self._consumer, places, _STEP))
        return self._found

    def _partitions(self, topic: str) -> list[Place]:
        """Return the partitions of a topic; none of one that does not exist."""
        from confluent_kafka import KafkaError

        found = self._consumer.list_topics(topic, timeout=_STEP).topics[topic]
        if found.error is not None:
            if found.error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                return []
            raise _explained(found.error)
        return [(topic, number) for number in found.partitions]

    def _begin(self, places: Sequence[Place], since: float) -> dict[Place, int]:
        """Stand at the first records that are young enough; return where the partitions end."""
        ends = ends_of(self._consumer, places, _STEP)
        starts = starts_since(self._consumer, ends, int(since * 1000), _STEP)
        self._reached = {(start.topic, start.partition): start.offset for start in starts}
        self._consumer.assign(starts)
        return ends

    def _read(self, ends: Mapping[Place, int]) -> None:
        """Read all partitions to these ends."""
        while any(self._reached[place] < end for place, end in ends.items()):
            if monotonic() > self._end:
                left = sum(max(0, end - self._reached[place]) for place, end in ends.items())
                raise SearchFailed(f"{left} records were left to read when the time was over")
            for message in self._consumer.consume(_TOGETHER, _POLL):
                self._take(message)

    def _take(self, message: Any) -> None:
        from confluent_kafka import KafkaError

        place = message.topic(), message.partition()
        problem = message.error()
        if problem is None:
            self._reached[place] = message.offset() + 1
            # What cannot be read is no record of a gateway: its names of headers are UTF-8.
            self._look(message.topic(), headers_of(message) or ())
        elif problem.code() == KafkaError._PARTITION_EOF:
            self._reached[place] = max(self._reached[place], message.offset())
        elif problem.code() != KafkaError.GROUP_AUTHORIZATION_FAILED:
            # No group is joined, so whether it would be allowed says nothing.
            raise _explained(problem)

    def _look(self, topic: str, headers: Sequence[tuple[str, bytes | None]]) -> None:
        for name, value in headers:
            if name == self._name and value is not None and self._wanted(value):
                self._found.add((topic, value))


def _explained(error: Any) -> SearchFailed:
    from confluent_kafka import KafkaError

    refused = (
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError.SASL_AUTHENTICATION_FAILED,
        KafkaError._AUTHENTICATION,
    )
    kind = TopicUnreadable if error.code() in refused else SearchFailed
    return kind(error.str())
