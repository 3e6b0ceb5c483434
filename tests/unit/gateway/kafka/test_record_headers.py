# SPDX-License-Identifier: Apache-2.0
"""Headers of records, whoever has written them."""

from __future__ import annotations

from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, Producer, TopicPartition

from gateway.kafka.record_headers import headers_of
from tests.support.mock_kafka import MockKafka
from tests.support.producing import write_unreadable_headers
from tests.support.waiting import PATIENCE


def records(cluster: MockKafka, topic: str, count: int) -> list[Message]:
    """Return as many records of a topic."""
    consumer = Consumer({"bootstrap.servers": cluster.bootstrap, "group.id": "g"})
    try:
        known = consumer.list_topics(topic, timeout=PATIENCE).topics[topic].partitions
        consumer.assign([TopicPartition(topic, one, OFFSET_BEGINNING) for one in known])
        found = consumer.consume(count, PATIENCE)
        assert [message.error() for message in found] == [None] * count
        return found
    finally:
        consumer.close()


def test_headers_are_read_in_order(cluster: MockKafka) -> None:
    sent: list[tuple[str, str | bytes | None]] = [
        ("a", b"1"),
        ("ä", None),
        ("a", b"\xff"),
        ("", b""),
    ]
    producer = Producer({"bootstrap.servers": cluster.bootstrap})
    producer.produce("t", b"v", headers=sent)
    producer.produce("u", b"v")
    assert producer.flush(PATIENCE) == 0
    assert [headers_of(one) for one in records(cluster, "t", 1)] == [sent]
    assert [headers_of(one) for one in records(cluster, "u", 1)] == [[]]


def test_names_that_are_no_text_are_told_apart_each_time(cluster: MockKafka) -> None:
    # The interpreter leaves out checks in lines that have run some times.
    write_unreadable_headers({"bootstrap.servers": cluster.bootstrap}, "t", 200)
    assert [headers_of(one) for one in records(cluster, "t", 200)] == [None] * 200
