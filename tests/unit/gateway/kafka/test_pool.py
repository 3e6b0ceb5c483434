# SPDX-License-Identifier: Apache-2.0
"""Producers: shared, carried over, flushed, bounded in time, replaced when librdkafka gives up."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from gateway.errors import BufferFull, ProduceError
from gateway.kafka.config import ProducerConfig
from gateway.kafka.producer import Producer
from tests.support.mock_kafka import MockKafka, mock_kafka
from tests.support.producing import Worker, until, working

pytestmark = pytest.mark.kafka


def config(cluster: MockKafka, **changes: Any) -> ProducerConfig:
    return ProducerConfig(bootstrap=tuple(cluster.bootstrap.split(",")), **changes)


async def delivered(producer: Producer, value: bytes = b"v", topic: str = "t") -> Any:
    """Send a record; return None or its error."""
    report = asyncio.get_running_loop().create_future()
    producer.send(topic, value, on_delivery=report.set_result)
    return await report


@contextmanager
def silence() -> Iterator[str]:
    """Give the address of a listener that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def cluster() -> Iterator[MockKafka]:
    with mock_kafka() as made:
        made.create("t")
        yield made


def test_equal_configurations_share_a_producer_which_outlives_a_snapshot(
    cluster: MockKafka,
) -> None:
    async def job(worker: Worker) -> None:
        first = worker.pool.get(config(cluster))
        assert worker.pool.get(config(cluster)) is first
        assert worker.pool.get(config(cluster, acks=-1, idempotent=True)) is not first
        # The new snapshot's handlers come before the old ones go.
        worker.pool.get(config(cluster))
        worker.pool.release(first)
        worker.pool.release(first)
        assert await delivered(first) is None
        assert worker.pool.get(config(cluster)) is first

    working(job)


def test_the_last_user_leaving_flushes_what_is_buffered(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> Worker:
        producer = worker.pool.get(config(cluster))
        for _ in range(100):
            producer.send("t", b"x")
        worker.pool.release(producer)
        assert worker.pool.get(config(cluster)) is not producer
        await until(lambda: not worker.pool._closing)
        return worker

    metrics = working(job).pool.metrics()
    assert (metrics["records"], metrics["messages"], metrics["bytes"]) == (100, 0, 0)
    assert metrics["failures"] == {}


def test_closing_loses_and_counts_what_cannot_be_sent_in_time(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> Worker:
        producer = worker.pool.get(config(cluster))
        cluster.down()
        for _ in range(3):
            producer.send("t", b"x")
        return worker

    started = time.monotonic()
    worker = working(job, close=0.3)
    assert time.monotonic() - started < 5
    assert worker.pool.metrics()["failures"] == {"_DESTROY": 3}


def test_a_record_is_reported_by_its_deadline_even_from_a_silent_broker() -> None:
    async def job(worker: Worker) -> tuple[Any, float]:
        with silence() as address:
            producer = worker.pool.get(ProducerConfig((address,), deadline=1500))
            started = time.monotonic()
            error = await delivered(producer)
            return error, time.monotonic() - started

    error, seconds = working(job, close=0.1)
    assert isinstance(error, ProduceError)
    assert seconds < 1.5 + 0.5


def test_a_broker_that_falls_silent_gets_a_second_try_within_the_deadline(
    cluster: MockKafka,
) -> None:
    async def job(worker: Worker) -> Any:
        producer = worker.pool.get(config(cluster, deadline=6000, request_timeout=500))
        assert await delivered(producer) is None
        cluster.round_trip(60_000)
        second = asyncio.ensure_future(delivered(producer))
        # Its request is in flight; whatever comes after it is answered.
        await until(lambda: producer.first_lane.in_flight == 1)
        await asyncio.to_thread(producer.client.metadata, None, 100)
        cluster.round_trip(0)
        return await second

    assert working(job) is None


def test_a_silent_server_gets_a_second_try_within_the_deadline(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> Any:
        host, port = cluster.bootstrap.rsplit(":", 1)
        taken: list[asyncio.StreamWriter] = []

        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            taken.append(writer)
            if len(taken) == 1:
                return
            there_reader, there_writer = await asyncio.open_connection(host, int(port))
            taken.append(there_writer)
            await asyncio.gather(pump(reader, there_writer), pump(there_reader, writer))

        async with await asyncio.start_server(relay, "127.0.0.1", 0) as server:
            name = server.sockets[0].getsockname()
            producer = worker.pool.get(ProducerConfig((f"127.0.0.1:{name[1]}",), deadline=6000))
            error = await delivered(producer)
            producer.client.purge()
            for writer in taken:
                writer.close()
        return error

    assert working(job) is None


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
    writer.close()


def test_the_buffer_is_bounded_in_bytes(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config(cluster, buffer_bytes=1000))
        cluster.round_trip(300)
        producer.send("t", b"x" * 600)
        with pytest.raises(BufferFull):
            producer.send("t", b"x" * 600)
        await until(lambda: producer.messages == 0)
        producer.send("t", b"x" * 600, b"key", [("name", b"content")])
        assert producer.bytes == 600 + 3 + 11
        await until(lambda: producer.messages == 0)
        assert producer.bytes == 0
        assert worker.pool.metrics()["refusals"] == {"buffer_full": 1}

    working(job)


def test_warming_up_takes_its_time_and_not_more() -> None:
    async def job(worker: Worker) -> float:
        with silence() as address:
            worker.pool.get(ProducerConfig((address,))).declare("t")
            started = time.monotonic()
            await worker.pool.warm(0.3)
            return time.monotonic() - started

    assert working(job, close=0.1) < 1.0


def test_a_warm_producer_knows_that_kafka_is_there(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> str:
        worker.pool.get(config(cluster)).declare("t")
        await worker.pool.warm(5)
        return str(worker.pool.metrics()["producers"][0]["state"])

    assert working(job) == "up"


def test_a_producer_that_librdkafka_gave_up_is_replaced(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config(cluster, acks=-1, idempotent=True))
        assert await delivered(producer) is None
        broken = producer.client
        producer.first_lane.on_fatal(45, "the sequence is broken")
        await until(lambda: producer.client is not broken)
        assert await delivered(producer) is None

    working(job)


def test_a_failing_callback_does_not_stop_the_others(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config(cluster))

        def bad(_: Any) -> None:
            raise RuntimeError("a bug")

        producer.send("t", b"1", on_delivery=bad)
        assert await delivered(producer) is None

    working(job)


def test_an_impossible_topic_is_an_error_of_the_record(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> Any:
        return await delivered(worker.pool.get(config(cluster)), topic="x" * 600)

    assert isinstance(working(job), ProduceError)


def test_many_batches_of_many_records_arrive_once_each(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config(cluster, acks=-1, idempotent=True))
        reports: list[Any] = []
        for number in range(5000):
            key = b"k" if number % 7 == 0 else None
            headers = [("h", b"1")] if number % 1000 == 0 else ()
            producer.send("t", b"%d" % number, key, headers, reports.append)
            if number % 100 == 0:
                await asyncio.sleep(0)
        await until(lambda: len(reports) == 5000)
        assert set(reports) == {None}
        assert (producer.records, producer.messages, producer.bytes) == (5000, 0, 0)

    working(job)


def test_settings_that_librdkafka_refuses_name_the_setting_and_no_secret(
    cluster: MockKafka,
) -> None:
    async def job(worker: Worker) -> None:
        worker.pool.get(config(cluster, extra=(("acks", "hidden-secret"),)))

    with pytest.raises(ProduceError, match="setting acks") as caught:
        working(job)
    assert "hidden-secret" not in str(caught.value)
