# SPDX-License-Identifier: Apache-2.0
"""The settings of a connection for administration, and its errors as sentences."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.errors import KafkaError
from gateway.kafka.admin import (
    UNREADABLE,
    Beginning,
    KafkaConnection,
    consume,
    create_topic,
    list_topics,
    produce,
)
from tests.support.broker import Broker
from tests.support.mock_kafka import MockKafka, config_of
from tests.support.producing import Worker, working


@pytest.mark.parametrize(
    ("more", "protocol"),
    [
        ({}, "ssl"),
        ({"tls": False}, "plaintext"),
        ({"user": "u", "tls": False}, "sasl_plaintext"),
        ({"user": "u", "tls": False, "ca": "/ca.pem"}, "sasl_ssl"),
    ],
)
def test_the_protocol_follows_from_user_and_authorities(
    more: dict[str, object], protocol: str
) -> None:
    connection = KafkaConnection("a:1", **more)  # type: ignore[arg-type]  # as parametrized
    assert connection.settings()["security.protocol"] == protocol


def test_the_password_does_not_show() -> None:
    assert "hidden" not in repr(KafkaConnection("a:1", "u", "hidden"))


@pytest.mark.kafka
def test_a_topic_is_made_listed_and_written(broker: Broker) -> None:
    connection = KafkaConnection(broker.bootstrap, *broker.admin, ca=broker.ca_file)
    create_topic(connection, "made-by-test-admin", 2, 1)
    partitions = {topic.name: topic.partitions for topic in list_topics(connection)}
    assert partitions["made-by-test-admin"] == 2
    produce(connection, "made-by-test-admin", [b"v"], b"k")
    (record,) = broker.records("made-by-test-admin")
    assert (record.key(), record.value()) == (b"k", b"v")
    with pytest.raises(KafkaError, match="cannot create topic made-by-test-admin"):
        create_topic(connection, "made-by-test-admin", 2, 1)


class NotText(str):
    """A name of a header as producers in other languages may write it."""

    def encode(self, *_: Any, **__: Any) -> bytes:
        """Return bytes that are not UTF-8."""
        return b"\xff\xfe"


def test_a_record_with_a_header_that_is_no_text_is_read_as_well(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config_of(cluster))
        for name in ("h", NotText("no text")):
            report = asyncio.get_running_loop().create_future()
            producer.send("t", b"v", b"k", [(name, b"1")], report.set_result)
            assert await report is None

    working(job)
    connection = KafkaConnection(cluster.bootstrap, tls=False)
    found = list(consume(connection, "t", at=Beginning(last=9), most=None, follow=False))
    assert [one.headers for one in found] == [[("h", b"1")], [(UNREADABLE, None)]]
