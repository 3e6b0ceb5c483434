# SPDX-License-Identifier: Apache-2.0
"""The settings of a connection for administration, and its errors as sentences."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError as KafkaProblem
from confluent_kafka.admin import AdminClient

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
from tests.support.mock_kafka import MockKafka
from tests.support.producing import write_unreadable_headers


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


@pytest.mark.kafka
@pytest.mark.parametrize("behind", [KafkaProblem.UNKNOWN_TOPIC_OR_PART, None])
def test_a_topic_that_was_made_is_found_though_brokers_are_behind_the_controller(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, behind: int | None
) -> None:
    name, ask, asked = f"behind-{behind}", AdminClient.list_topics, []

    def list_late(admin: AdminClient, topic: str | None = None, timeout: float = -1) -> Any:
        found: Any = ask(admin, topic, timeout=timeout)
        asked.append(topic)
        if len(asked) < 3:
            # What a broker says that has read less: nothing of it, or not who leads it.
            error = None if behind is None else KafkaProblem(behind)
            leaderless = {0: SimpleNamespace(leader=-1)}
            found.topics[name] = SimpleNamespace(error=error, partitions=leaderless)
        return found

    connection = KafkaConnection(broker.bootstrap, *broker.admin, ca=broker.ca_file)
    with monkeypatch.context() as patch:
        patch.setattr(AdminClient, "list_topics", list_late)
        create_topic(connection, name, 1, 1)
    assert len(asked) >= 3
    assert set(asked) == {name}, "no other topic is asked for: brokers may make it"
    assert name in {topic.name for topic in list_topics(connection)}


def test_records_with_headers_that_are_no_text_are_read_as_well(cluster: MockKafka) -> None:
    connection = KafkaConnection(cluster.bootstrap, tls=False)
    produce(connection, "t", [b"v"])
    write_unreadable_headers(connection.settings(), "t", 50)
    found = list(consume(connection, "t", at=Beginning(oldest=True), most=None, follow=False))
    headers = sorted(([*one.headers] for one in found), key=len)
    assert headers == [[], *[[(UNREADABLE, None)]] * 50]
