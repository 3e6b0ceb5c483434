# SPDX-License-Identifier: Apache-2.0
"""Whoever reads from a moment on reads what is written while it looks where that is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import time
from typing import Any
from unittest.mock import patch

import confluent_kafka
import pytest
from confluent_kafka import KafkaException, Producer

from gateway.kafka import admin
from gateway.kafka.admin import Beginning, KafkaConnection, consume
from gateway.kafka.beginnings import ends_of
from gateway.kafka.topic_reader import ReadRecord, TopicReader
from tests.support.broker import Broker
from tests.support.producing import until
from tests.support.waiting import PATIENCE


@contextmanager
def at_the_lookup(module: Any, happens: Callable[[], object]) -> Iterator[None]:
    """Let something happen once, right after a consumer was told where a moment is."""
    left = [happens]

    class Slow(confluent_kafka.Consumer):
        def offsets_for_times(self, *arguments: Any, **named: Any) -> Any:
            found = super().offsets_for_times(*arguments, **named)
            if left:
                left.pop()()
            return found

    with patch.object(module, "Consumer", Slow):
        yield


def written(broker: Broker, topic: str, value: bytes) -> None:
    producer = Producer(broker.client())
    producer.produce(topic, value, b"k")
    assert producer.flush(PATIENCE) == 0


@pytest.mark.parametrize("committed", [True, False])
async def test_a_reader_reads_what_is_written_while_it_begins(
    broker: Broker, committed: bool
) -> None:
    topic, seen = broker.topic(), list[ReadRecord]()
    with at_the_lookup(confluent_kafka, lambda: written(broker, topic, b"1")):
        reader = TopicReader(broker.client(), topic, 60, seen.append, committed=committed)
        await until(lambda: [one.value for one in seen] == [b"1"])
    reader.close()


async def test_a_reader_reads_what_is_committed_while_it_begins(broker: Broker) -> None:
    topic, seen = broker.topic(), list[ReadRecord]()
    producer = Producer({**broker.client(), "transactional.id": "ends-at-the-lookup"})
    producer.init_transactions(PATIENCE)
    producer.begin_transaction()
    producer.produce(topic, b"1", b"k")
    assert producer.flush(PATIENCE) == 0

    def end() -> None:
        producer.commit_transaction(PATIENCE)
        # The marker is written after the response, and in the order of the log.
        written(broker, topic, b"2")

    with at_the_lookup(confluent_kafka, end):
        reader = TopicReader(broker.client(), topic, 60, seen.append, committed=True)
        await until(lambda: [one.value for one in seen] == [b"1", b"2"])
    reader.close()


async def test_a_topic_is_followed_from_a_moment_without_a_gap(broker: Broker) -> None:
    topic, seen = broker.topic(), list[bytes | None]()
    written(broker, topic, b"old")
    connection = KafkaConnection(broker.bootstrap, *broker.admin, ca=broker.ca_file)
    now = Beginning(since=int(time() * 1000) + 1)

    def follow() -> None:
        with at_the_lookup(admin, lambda: written(broker, topic, b"1")):
            seen.extend(
                one.value for one in consume(connection, topic, at=now, most=1, follow=True)
            )

    threading.Thread(target=follow, daemon=True).start()
    await until(lambda: seen == [b"1"])


def test_an_end_that_is_not_told_is_named() -> None:
    nobody = confluent_kafka.Consumer({"bootstrap.servers": "127.0.0.1:1", "group.id": "g"})
    with pytest.raises(KafkaException):
        ends_of(nobody, [("t", 0)], 0.1)
    nobody.close()
