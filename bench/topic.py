# SPDX-License-Identifier: Apache-2.0
"""Looking for records: was every acknowledged request written, and exactly once?"""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from bench.generator import ACKNOWLEDGED

_WAIT = 10.0
"""Seconds that records of asynchronous requests may take to appear."""


@dataclass(frozen=True)
class Verdict:
    """Acknowledged requests, and how many of them are missing or more than once in the topic."""

    acknowledged: int
    lost: int
    duplicated: int


class TopicReader:
    """Reads one topic from where the last look ended."""

    def __init__(self, settings: dict[str, Any], topic: str) -> None:
        extra = {
            "group.id": "bench",
            "enable.auto.commit": False,
            "fetch.message.max.bytes": 8 << 20,
        }
        self._consumer = Consumer({**settings, **extra})
        self._topic = topic
        found = self._consumer.list_topics(topic, timeout=20).topics[topic].partitions
        self._next = {number: self._end(number) for number in found}

    def _end(self, partition: int) -> int:
        where = TopicPartition(self._topic, partition)
        return int(self._consumer.get_watermark_offsets(where, timeout=20)[1])

    def verify(self, prefix: str, outcomes: bytes) -> Verdict:
        """Compare the ids of acknowledged requests with those in records since the last look."""
        wanted = {number for number, what in enumerate(outcomes) if what == ACKNOWLEDGED}
        seen: Counter[int] = Counter()
        pattern = re.compile(prefix.encode() + rb"-(\d{10})")
        deadline = time.monotonic() + _WAIT
        while True:
            for value in self._new_values():
                found = pattern.search(value)
                if found is not None:
                    seen[int(found[1])] += 1
            missing = wanted - seen.keys()
            if not missing or time.monotonic() > deadline:
                break
            time.sleep(0.1)
        repeated = sum(1 for number in wanted if seen[number] > 1)
        return Verdict(len(wanted), len(missing), repeated)

    def _new_values(self) -> list[bytes]:
        """Read up to the present end of all partitions."""
        ends = {number: self._end(number) for number in self._next}
        left = sum(ends[number] - start for number, start in self._next.items())
        if not left:
            return []
        self._consumer.assign(
            [TopicPartition(self._topic, number, start) for number, start in self._next.items()]
        )
        values: list[bytes] = []
        while left > 0:
            batch = self._consumer.consume(min(left, 10_000), timeout=10)
            if not batch:
                raise RuntimeError(f"{left} records of {self._topic} cannot be read")
            for message in batch:
                if message.error() is not None:
                    raise RuntimeError(str(message.error()))
                values.append(message.value() or b"")
            left -= len(batch)
        # Records that arrived meanwhile may have been read too: the positions say how far.
        for where in self._consumer.position(
            [TopicPartition(self._topic, number) for number in self._next]
        ):
            self._next[where.partition] = max(where.offset, self._next[where.partition])
        self._consumer.unassign()
        return values

    def close(self) -> None:
        """Leave."""
        self._consumer.close()
