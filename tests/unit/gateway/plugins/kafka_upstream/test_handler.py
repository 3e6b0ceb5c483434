# SPDX-License-Identifier: Apache-2.0
"""Delivery and failure, on real brokers and on the mock cluster."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from gateway.http.messages import Response
from tests.support.broker import Broker, running_broker
from tests.support.mock_kafka import MockKafka, mock_kafka
from tests.support.ports import free_ports
from tests.support.producing import (
    NOT_SENT,
    SENT,
    Worker,
    answer,
    body_of,
    on_broker,
    produce,
    request,
    until,
    working,
)
from tests.support.waiting import PATIENCE

pytestmark = pytest.mark.kafka

BAD_GATEWAY = 502


def nowhere(**config: Any) -> dict[str, Any]:
    """Return a configuration whose broker is not there."""
    (port,) = free_ports(1)
    servers = [{"host": "127.0.0.1", "port": port}]
    return {"topic": "t", "bootstrap_servers": servers, "timeout": 1000, **config}


def on_mock(cluster: MockKafka, **config: Any) -> dict[str, Any]:
    return {"topic": "t", "bootstrap_servers": cluster.servers, **config}


def outcome(response: Response) -> tuple[int, Any]:
    return response.status, body_of(response)


def test_kafka_down_is_502_within_the_deadline() -> None:
    async def job(worker: Worker) -> Response:
        return await answer(worker.plugin(nowhere(producer_async=False)), request())

    started = time.monotonic()
    assert outcome(working(job)) == (BAD_GATEWAY, NOT_SENT)
    assert time.monotonic() - started < 10


def test_a_denied_topic_is_named_to_callers_who_may_know(broker: Broker) -> None:
    topic = broker.topic()
    name, password = broker.second
    config = on_broker(
        broker,
        topic,
        producer_async=False,
        error_handling={"return_error_message": True},
        authentication={"mechanism": "PLAIN", "user": name, "password": password},
    )
    (response,) = produce(broker, config, request())
    status, body = outcome(response)
    assert (status, body["message"]) == (BAD_GATEWAY, "Bad Gateway")
    assert "TopicAuthorizationFailed" in body["error"]


def test_async_answers_200_while_kafka_is_down_and_counts_what_it_loses() -> None:
    async def job(worker: Worker) -> tuple[Response, dict[str, Any]]:
        handler = worker.plugin(nowhere(producer_async_health_gating=False))
        response = await answer(handler, request())
        await until(lambda: worker.pool.metrics()["failures"])
        # On a busy machine its deadline passes before librdkafka gives it up.
        await until(lambda: worker.pool.metrics()["messages"] == 0)
        return response, worker.pool.metrics()

    response, metrics = working(job)
    assert outcome(response) == (200, SENT)
    assert sum(metrics["failures"].values()) == 1
    assert metrics["messages"] == metrics["bytes"] == 0


def test_an_unhealthy_producer_answers_503_until_a_probe_succeeds() -> None:
    async def job(worker: Worker, cluster: MockKafka) -> None:
        config = on_mock(
            cluster,
            timeout=1000,
            producer_async_health_failure_threshold=2,
            producer_async_health_probe_interval=100,
        )
        handler = worker.plugin(config)
        assert outcome(await answer(handler, request())) == (200, SENT)
        await until(lambda: worker.pool.metrics()["records"] == 1)
        cluster.down()
        (producer,) = worker.pool._producers.values()
        await until(lambda: producer.watch.gate_closed)
        turned_away = await answer(handler, request())
        assert outcome(turned_away) == (503, NOT_SENT)
        assert dict(turned_away.headers)[b"Retry-After"] == b"1"
        assert worker.pool.metrics()["producers"][0]["state"] == "down"
        cluster.up()
        await until(lambda: not producer.watch.gate_closed)
        assert outcome(await answer(handler, request())) == (200, SENT)
        await until(lambda: worker.pool.metrics()["records"] == 2)

    with mock_kafka() as cluster:
        cluster.create("t")
        working(lambda worker: job(worker, cluster))


def test_a_full_buffer_answers_503_with_retry_after(broker: Broker) -> None:
    topic = broker.topic()
    config = on_broker(
        broker,
        topic,
        producer_async_buffering_limits_messages_in_memory=2,
        producer_async_flush_timeout=60000,
    )

    async def job(worker: Worker) -> list[Response]:
        handler = worker.plugin(config)
        return [await answer(handler, request()) for _ in range(3)]

    first, second, third = working(job, broker.ca_file)
    assert outcome(first) == outcome(second) == (200, SENT)
    assert outcome(third) == (503, NOT_SENT)
    assert dict(third.headers)[b"Retry-After"] == b"1"
    assert len(broker.records(topic, 2)) == broker.count(topic) == 2


def test_a_full_buffer_is_named_to_callers_who_may_know() -> None:
    async def job(worker: Worker) -> Any:
        config = nowhere(
            producer_async_buffering_limits_messages_in_memory=1,
            error_handling={"return_error_message": True},
        )
        handler = worker.plugin(config)
        await answer(handler, request())
        return body_of(await answer(handler, request()))["error"]

    assert "buffer overflow" in working(job)


def test_without_acknowledgements_the_answer_does_not_wait(broker: Broker) -> None:
    topic = broker.topic()
    config = on_broker(broker, topic, producer_async=False, producer_request_acks=0)
    (response,) = produce(broker, config, request())
    assert outcome(response) == (200, SENT)
    assert len(broker.records(topic)) == 1


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_consumers_see_compressed_records_as_they_were(broker: Broker, codec: str) -> None:
    topic = broker.topic()
    body = b"a" * 5000
    config = on_broker(broker, topic, producer_async=False, compression_type=codec, raw_body=True)
    (response,) = produce(broker, config, request("/kafka", "POST", body=body))
    assert outcome(response) == (200, SENT)
    assert broker.records(topic)[0].value() == body


def test_a_record_too_large_for_the_broker_is_502(broker: Broker) -> None:
    topic = broker.topic(config={"max.message.bytes": "2000"})
    config = on_broker(
        broker,
        topic,
        producer_async=False,
        raw_body=True,
        error_handling={"return_error_message": True},
    )
    large = request("/kafka", "POST", body=b"x" * 3000)
    small = request("/kafka", "POST", body=b"x" * 100)
    refused, sent = produce(broker, config, large, small)
    assert refused.status == BAD_GATEWAY
    assert "MessageSizeTooLarge" in body_of(refused)["error"]
    assert outcome(sent) == (200, SENT)


def test_a_user_with_a_wrong_password_gets_nothing_through(broker: Broker) -> None:
    config = on_broker(
        broker,
        broker.topic(),
        timeout=1500,
        producer_async=False,
        authentication={"mechanism": "PLAIN", "user": "writer", "password": "wrong"},
    )
    (response,) = produce(broker, config, request())
    assert outcome(response) == (BAD_GATEWAY, NOT_SENT)


def test_a_broker_with_an_unknown_authority_is_not_trusted(broker: Broker) -> None:
    config = on_broker(broker, broker.topic(), timeout=1500, producer_async=False)

    async def job(worker: Worker) -> Response:
        return await answer(worker.plugin(config), request())

    assert outcome(working(job, trusted_ca=None)) == (BAD_GATEWAY, NOT_SENT)


def test_verification_can_be_turned_off(broker: Broker) -> None:
    config = on_broker(
        broker, broker.topic(), producer_async=False, security={"ssl": True, "ssl_verify": False}
    )

    async def job(worker: Worker) -> Response:
        return await answer(worker.plugin(config), request())

    assert outcome(working(job, trusted_ca=None)) == (200, SENT)


@pytest.mark.parametrize("acks", [1, -1])
def test_authorization_lost_and_regained(broker: Broker, acks: int) -> None:
    topic = broker.topic()
    config = on_broker(
        broker, topic, timeout=15_000, producer_async=False, producer_request_acks=acks
    )

    async def job(worker: Worker) -> None:
        handler = worker.plugin(config)
        assert (await answer(handler, request())).status == 200
        broker.deny(broker.writer, topic)
        assert outcome(await answer(handler, request())) == (BAD_GATEWAY, NOT_SENT)
        broker.allow(broker.writer, topic)
        await recovered(handler)

    working(job, broker.ca_file)


def test_a_user_without_any_right_is_let_in_later_without_a_restart(lonely: Broker) -> None:
    # An idempotent producer of such a user gets a fatal error: not even a producer id is given.
    lonely.create("later")
    name, password = lonely.second
    config = on_broker(
        lonely,
        "later",
        timeout=3000,
        producer_async=False,
        producer_request_acks=-1,
        authentication={"mechanism": "PLAIN", "user": name, "password": password},
    )

    async def job(worker: Worker) -> None:
        handler = worker.plugin(config)
        for _ in range(3):
            assert outcome(await answer(handler, request())) == (BAD_GATEWAY, NOT_SENT)
        lonely.allow(lonely.second, "later")
        await recovered(handler)

    working(job, lonely.ca_file)


def test_a_topic_deleted_and_made_again(broker: Broker) -> None:
    topic = broker.topic()
    config = on_broker(
        broker, topic, timeout=10_000, producer_async=False, producer_request_acks=-1
    )

    async def job(worker: Worker) -> None:
        handler = worker.plugin(config)
        assert (await answer(handler, request())).status == 200
        broker.delete(topic)
        assert outcome(await answer(handler, request())) == (BAD_GATEWAY, NOT_SENT)
        broker.create(topic)
        await recovered(handler)

    working(job, broker.ca_file)
    assert broker.count(topic) >= 1


async def recovered(handler: Any) -> None:
    """Wait until requests are answered 200 again."""
    end = time.monotonic() + PATIENCE
    while (await answer(handler, request())).status != 200:
        assert time.monotonic() < end, "it did not recover"
        await asyncio.sleep(0.1)


def test_a_new_leader_is_found() -> None:
    async def job(worker: Worker, cluster: MockKafka) -> None:
        handler = worker.plugin(on_mock(cluster, producer_async=False, producer_request_acks=-1))
        for leader in (1, 2, 1, 2):
            cluster.lead("t", leader)
            assert outcome(await answer(handler, request())) == (200, SENT)

    with mock_kafka(brokers=2) as cluster:
        cluster.create("t", replicas=2)
        working(lambda worker: job(worker, cluster))


def test_passing_errors_are_retried_within_the_deadline() -> None:
    async def job(worker: Worker, cluster: MockKafka) -> None:
        handler = worker.plugin(on_mock(cluster, producer_async=False))
        # LEADER_NOT_AVAILABLE, NOT_LEADER_FOR_PARTITION, REQUEST_TIMED_OUT
        cluster.fail(5, 6, 7)
        assert outcome(await answer(handler, request())) == (200, SENT)

    with mock_kafka() as cluster:
        cluster.create("t")
        working(lambda worker: job(worker, cluster))


def test_a_round_trip_of_200_ms_costs_200_ms_and_not_more_for_many() -> None:
    async def job(worker: Worker, cluster: MockKafka) -> float:
        handler = worker.plugin(on_mock(cluster, producer_async=False, producer_request_acks=-1))
        assert (await answer(handler, request())).status == 200
        cluster.round_trip(200)
        started = time.monotonic()
        answers = [answer(handler, request()) for _ in range(500)]
        assert {one.status for one in await asyncio.gather(*answers)} == {200}
        return time.monotonic() - started

    with mock_kafka() as cluster:
        cluster.create("t")
        # One after the other they would take 100 s.
        assert working(lambda worker: job(worker, cluster)) < 10


@pytest.fixture(scope="module")
def lonely(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Give a broker that may be killed, and that makes topics by itself."""
    extra = (("auto.create.topics.enable", "true"),)
    with running_broker(Path(tmp_path_factory.mktemp("lonely")), extra) as broker:
        yield broker


def as_admin(broker: Broker, topic: str, **config: Any) -> dict[str, Any]:
    name, password = broker.admin
    credentials = {"mechanism": "PLAIN", "user": name, "password": password}
    return on_broker(broker, topic, authentication=credentials, **config)


def test_a_topic_that_makes_itself_gets_its_first_record(lonely: Broker) -> None:
    (response,) = produce(lonely, as_admin(lonely, "made", producer_async=False), request())
    assert outcome(response) == (200, SENT)
    assert len(lonely.records("made")) == 1


@pytest.mark.parametrize(("topic", "padding"), [("exact", b""), ("large", b"." * 20_000)])
def test_kill_9_of_the_broker_loses_and_doubles_nothing_that_was_acknowledged(
    lonely: Broker, topic: str, padding: bytes
) -> None:
    # Large values are not copied, and three of them are a request: most wait for the one before.
    lonely.create(topic)
    config = as_admin(
        lonely,
        topic,
        producer_async=False,
        producer_request_acks=-1,
        producer_request_limits_bytes_per_request=65_536,
        raw_body=True,
    )
    acknowledged: list[bytes] = []

    async def client(handler: Any, number: int, stop: asyncio.Event) -> None:
        count = 0
        while not stop.is_set():
            body = b"%d-%d%b" % (number, count, padding)
            if (await answer(handler, request("/kafka", "POST", body=body))).status == 200:
                acknowledged.append(body)
            count += 1

    async def job(worker: Worker) -> None:
        handler = worker.plugin(config)
        stop = asyncio.Event()
        clients = [asyncio.ensure_future(client(handler, n, stop)) for n in range(20)]
        await until(lambda: len(acknowledged) > 500)
        lonely.kill()
        await asyncio.to_thread(lonely.start)
        seen = len(acknowledged)
        await until(lambda: len(acknowledged) > seen + 500)
        stop.set()
        await asyncio.gather(*clients)

    working(job, lonely.ca_file)
    stored = [one.value() for one in lonely.records(topic, lonely.count(topic))]
    assert len(stored) == len(set(stored)), "doubled"
    assert set(acknowledged) <= set(stored), "lost"
