# SPDX-License-Identifier: Apache-2.0
"""Callers who may know are told why Kafka cannot be reached; without waiting, if that is no use."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import pytest

from gateway.http.messages import Pending
from gateway.kafka.config import ProducerConfig
from gateway.kafka.pool import ProducerPool
from gateway.kafka.producer import Producer
from tests.support.broker import Broker
from tests.support.mock_kafka import (
    InterruptedHandshakes,
    MockKafka,
    config_of,
    delivered,
    silence,
)
from tests.support.ports import free_ports
from tests.support.producing import (
    NOT_SENT,
    Worker,
    answer,
    body_of,
    on_broker,
    request,
    until,
    working,
)

pytestmark = pytest.mark.kafka

NOWHERE = "no-such-host.invalid"
LONG = 60_000


def mistaken(broker: Broker, kind: str) -> dict[str, Any]:
    """Return a configuration with one mistake."""
    name, password = broker.writer
    plain = {"mechanism": "PLAIN", "user": name, "password": password}
    changes: dict[str, dict[str, Any]] = {
        "closed port": {"bootstrap_servers": [{"host": "127.0.0.1", "port": free_ports(1)[0]}]},
        "wrong name": {"bootstrap_servers": [{"host": NOWHERE, "port": 9092}]},
        "TLS spoken plain": {"security": {"ssl": False}},
        "no SASL": {"authentication": {}},
        "wrong password": {"authentication": {**plain, "password": "wrong"}},
        "wrong mechanism": {"authentication": {**plain, "mechanism": "SCRAM-SHA-512"}},
    }
    detailed = {"return_error_message": True}
    base = on_broker(broker, broker.topic(), producer_async=False, error_handling=detailed)
    return {**base, **changes[kind]}


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("closed port", "Connection refused"),
        ("wrong name", "Failed to resolve"),
        ("TLS spoken plain", "do both ends speak TLS"),
        ("no SASL", "does the broker want SASL"),
        ("wrong password", "Authentication failed"),
        ("wrong mechanism", "Unsupported SASL mechanism"),
    ],
)
def test_the_reason_is_in_the_answer_and_in_the_log(
    broker: Broker, caplog: pytest.LogCaptureFixture, kind: str, reason: str
) -> None:
    config = {**mistaken(broker, kind), "timeout": 3000}

    async def job(worker: Worker) -> Any:
        return await answer(worker.plugin(config), request())

    with caplog.at_level(logging.WARNING):
        response = working(job, broker.ca_file, close=0.1)
    assert response.status == 502
    assert reason in body_of(response)["error"]
    lines = [one for one in caplog.records if one.getMessage() == "record not written"]
    assert [reason in one.fields["detail"] for one in lines] == [True]  # type: ignore[attr-defined]  # ours


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize("kind", ["wrong name", "wrong password", "wrong mechanism"])
def test_nobody_waits_for_what_waiting_cannot_change(
    broker: Broker, kind: str, buffered: bool
) -> None:
    config = {
        **mistaken(broker, kind),
        "timeout": LONG,
        "producer_request_timeout": LONG // 10,
        "producer_async": buffered,
        "error_handling": None,
    }

    async def job(worker: Worker) -> list[int]:
        handler = worker.plugin(config)
        started = time.monotonic()
        first = await answer(handler, request())
        while buffered and (await answer(handler, request())).status == 200:
            assert time.monotonic() - started < LONG / 2000
            await asyncio.sleep(0.01)
        last = await answer(handler, request())
        assert time.monotonic() - started < LONG / 2000
        assert body_of(last) == NOT_SENT
        return [first.status, last.status]

    assert working(job, broker.ca_file, close=0.1) == [200 if buffered else 502, 502]


def test_one_wrong_name_among_good_ones_bars_nothing(broker: Broker) -> None:
    config = on_broker(broker, broker.topic(), producer_async=False)
    config["bootstrap_servers"].append({"host": NOWHERE, "port": 9092})

    async def job(worker: Worker) -> set[int]:
        handler = worker.plugin(config)
        return {(await answer(handler, request())).status for _ in range(20)}

    assert working(job, broker.ca_file) == {200}


async def test_a_record_outlasts_connections_that_end_before_the_credentials_were_shown() -> None:
    async with InterruptedHandshakes() as kafka:
        pool = ProducerPool(asyncio.get_running_loop())
        config = {
            "topic": "t",
            "bootstrap_servers": [{"host": "127.0.0.1", "port": kafka.port}],
            "authentication": {"user": "u", "password": "p"},
            "producer_async": False,
            "timeout": 60_000,
        }
        pending = Worker(pool).plugin(config).access(request())
        assert isinstance(pending, Pending)
        await until(lambda: kafka.handshakes >= 3)
        metrics = pool.metrics()
        assert (metrics["messages"], metrics["refusals"], metrics["failures"]) == (1, {}, {})
        await pool.close(0.1)


def failures(producer: Producer) -> dict[str, dict[str, int]]:
    """Return the failures that a producer has counted, by topic; without topics that have none."""
    topics = producer.metrics()["topics"]
    return {name: counts["failures"] for name, counts in topics.items() if counts["failures"]}


def test_a_topic_that_may_not_be_written_to_has_its_name_in_the_counts(broker: Broker) -> None:
    allowed, denied = broker.topic(), broker.topic()
    broker.deny(broker.writer, denied)

    async def job(worker: Worker) -> Any:
        for topic in (allowed, denied):
            config = on_broker(broker, topic, producer_async=False)
            # The second time librdkafka knows that it may not, and does not take the record.
            for _ in range(3):
                await answer(worker.plugin(config), request())
        return failures(worker.pool.all()[0])

    with_denied = working(job, broker.ca_file)
    assert with_denied == {denied: {"TOPIC_AUTHORIZATION_FAILED": 3}}


def test_an_impossible_topic_is_counted_by_its_name(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> Any:
        producer = worker.pool.get(config_of(cluster))
        producer.declare("other")
        await delivered(producer, topic="x" * 600)
        return failures(producer)

    assert list(working(job)) == ["x" * 600]


def by_topic(producer: Producer) -> dict[str, int]:
    """Return how many records failed, by topic."""
    return {name: sum(reasons.values()) for name, reasons in failures(producer).items()}


@pytest.mark.parametrize("key", [None, b"k"])
def test_records_past_their_deadline_are_counted_by_topic(key: bytes | None) -> None:
    async def job(worker: Worker) -> None:
        with silence() as address:
            producer = worker.pool.get(ProducerConfig((address,), deadline=1000))
            reports: list[Any] = []
            for topic, records in (("a", 2), ("b", 3)):
                producer.declare(topic)
                for _ in range(records):
                    producer.send(topic, b"v", key, on_delivery=reports.append)
            await until(lambda: len(reports) == 5)
            # The topic of a record that was given up is known when librdkafka reports it.
            await until(lambda: by_topic(producer) == {"a": 2, "b": 3})

    working(job, close=0.1)


def test_records_that_are_given_up_since_kafka_refuses_us_are_counted_by_topic(
    broker: Broker,
) -> None:
    config = mistaken(broker, "wrong password")

    async def job(worker: Worker) -> None:
        plugins = [worker.plugin({**config, "topic": topic}) for topic in ("a", "b")]
        for plugin in plugins:
            assert (await answer(plugin, request())).status == 502
        producer = worker.pool.all()[0]
        assert list(producer.metrics()["failures"]) == ["_AUTHENTICATION"]
        await until(lambda: sum(by_topic(producer).values()) >= 1)
        await until(lambda: set(by_topic(producer)) <= {"a", "b"})

    working(job, broker.ca_file, close=0.1)
