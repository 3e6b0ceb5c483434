# SPDX-License-Identifier: Apache-2.0
"""Where in partitions a reader begins that wants the records from a moment on.

The brokers know no offset for a moment after which nothing was written: they say "the end", and
the client would ask for that end a second time, when it begins to fetch. What is written in between
would not be read, and neither would a transaction that ends in between. So the ends are asked for
first, and such a partition is read from the end that was seen before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from confluent_kafka import Consumer, TopicPartition

Place = tuple[str, int]
"""Topic and partition."""


def ends_of(consumer: Consumer, places: Sequence[Place], within: float) -> dict[Place, int]:
    """Return the offset behind the last record of each partition, asked within seconds each.

    A consumer of committed records sees the end before the first open transaction (KIP-98). Blocks.
    Raises ``KafkaException``.
    """
    from confluent_kafka import TopicPartition

    return {
        place: consumer.get_watermark_offsets(TopicPartition(*place), timeout=within)[1]
        for place in places
    }


def starts_since(
    consumer: Consumer, ends: Mapping[Place, int], since: int, within: float
) -> list[TopicPartition]:
    """Return where partitions with these ends begin to be as young as ``since``.

    ``since`` is in milliseconds since 1970, as Kafka's timestamps are. A partition without such a
    record begins at its end, seen before: ``ends_of``. Blocks. Raises ``KafkaException``.
    """
    from confluent_kafka import KafkaException, TopicPartition

    asked = [TopicPartition(*place, max(0, since)) for place in ends]
    starts: list[TopicPartition] = consumer.offsets_for_times(asked, timeout=within)
    for start in starts:
        if start.error is not None:
            raise KafkaException(start.error)
        if start.offset < 0:
            start.offset = ends[start.topic, start.partition]
    return starts
