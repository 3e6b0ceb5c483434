# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Sequence
from time import time

import pytest
from confluent_kafka import Producer

from gateway.errors import SearchFailed, TopicUnreadable
from gateway.kafka import topic_search
from gateway.kafka.topic_search import find_headers
from tests.support.broker import Broker
from tests.support.producing import write_unreadable_headers
from tests.support.waiting import PATIENCE

NAME = "h"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic_search, "SETTLE", 0.1)


def write(broker: Broker, topic: str, values: Sequence[bytes], at: float = 0.0) -> None:
    """Write a record for each value of the header."""
    producer = Producer(broker.client())
    for value in values:
        producer.produce(topic, b"v", headers=[(NAME, value)], timestamp=int(at * 1000))
    assert producer.flush(PATIENCE) == 0


def find(broker: Broker, *topics: str, since: float, within: float = 30) -> set[tuple[str, bytes]]:
    return find_headers(
        broker.client(), topics, since, NAME, lambda value: value[:1] == b"x", within
    )


def test_it_finds_what_was_written_since_in_all_partitions_of_all_topics(broker: Broker) -> None:
    one, other, now = broker.topic(4), broker.topic(), time()
    write(broker, one, [b"x-old"], now - 1000)
    write(broker, one, [b"x-%d" % number for number in range(50)] + [b"y"], now)
    write(broker, other, [b"x"], now)
    found = find(broker, one, other, since=now - 1)
    assert found == {(one, b"x-%d" % number) for number in range(50)} | {(other, b"x")}


def test_topics_that_are_empty_or_missing_hold_nothing(broker: Broker) -> None:
    assert find(broker, broker.topic(3), "missing-here", since=time()) == set()
    assert find(broker, "missing-here", since=time()) == set()


def test_no_open_transaction_of_others_hides_a_record(broker: Broker) -> None:
    topic, now = broker.topic(), time()
    other = Producer({**broker.client(), "transactional.id": "left-open"})
    other.init_transactions(PATIENCE)
    other.begin_transaction()
    other.produce(topic, b"v", headers=[(NAME, b"y")])
    assert other.flush(PATIENCE) == 0
    write(broker, topic, [b"x"], now)
    assert find(broker, topic, since=now - 1) == {(topic, b"x")}
    other.abort_transaction(PATIENCE)
    assert find(broker, topic, since=now - 1) == {(topic, b"x")}, "also with markers at the end"


def test_a_record_that_comes_while_it_waits_is_found(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic, now = broker.topic(), time()
    monkeypatch.setattr(topic_search, "sleep", lambda _: write(broker, topic, [b"x"], now))
    assert find(broker, topic, since=now - 1) == {(topic, b"x")}


def test_it_needs_the_right_to_read_and_says_so(broker: Broker) -> None:
    topic, user = broker.topic(), broker.second
    write(broker, topic, [b"x"])

    def found() -> set[tuple[str, bytes]]:
        settings = broker.client(user)
        return find_headers(settings, [topic], time() - 60, NAME, lambda _: True, 30)

    broker.allow(user, topic)
    with pytest.raises(TopicUnreadable, match=r"[Aa]uthorization"):
        found()
    broker.allow(user, topic, "read")
    assert found() == {(topic, b"x")}, "of the topic: no group is needed"


def test_an_end_that_is_not_reached_in_time_says_what_is_left(broker: Broker) -> None:
    topic = broker.topic()
    write(broker, topic, [b"x"] * 10)
    with pytest.raises(SearchFailed, match="10 records were left"):
        find(broker, topic, since=time() - 60, within=-1)


def test_records_of_others_with_headers_that_are_no_text_do_not_end_the_search(
    broker: Broker,
) -> None:
    topic, now = broker.topic(), time()
    write_unreadable_headers(broker.client(), topic, 50)
    write(broker, topic, [b"x"], now)
    assert find(broker, topic, since=now - 1) == {(topic, b"x")}
