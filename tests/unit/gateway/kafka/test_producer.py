# SPDX-License-Identifier: Apache-2.0
"""Producers: bounded in bytes and in time, replaced when librdkafka gives up."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from gateway.errors import BufferFull, ProduceError
from gateway.kafka.config import ProducerConfig
from tests.support.mock_kafka import MockKafka, config_of, delivered, silence, written
from tests.support.producing import Worker, until, working

pytestmark = pytest.mark.kafka


def test_a_record_is_reported_by_its_deadline_even_from_a_silent_broker() -> None:
    async def job(worker: Worker) -> tuple[Any, float]:
        with silence() as address:
            producer = worker.pool.get(ProducerConfig((address,), deadline=1500))
            started = time.monotonic()
            error = await delivered(producer)
            return error, time.monotonic() - started

    error, seconds = working(job, close=0.1)
    assert isinstance(error, ProduceError)
    assert seconds < 10  # librdkafka alone would wait for as long as the socket is open


def test_a_broker_that_falls_silent_gets_a_second_try_within_the_deadline(
    cluster: MockKafka,
) -> None:
    async def job(worker: Worker) -> Any:
        producer = worker.pool.get(config_of(cluster, deadline=6000, request_timeout=500))
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
        producer = worker.pool.get(config_of(cluster, buffer_bytes=1000))
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


def test_of_a_refused_record_nobody_is_told(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config_of(cluster, buffer_bytes=1000))
        told: dict[str, tuple[Any, ...]] = {}

        def note(record: str, *report: Any) -> None:
            told[record] = report

        for record, size in (("first", 600), ("refused", 600), ("later", 100)):
            if record != "later":
                producer.watch_tokens(producer.last_token, partial(note, record), 1)
            with pytest.raises(BufferFull) if record == "refused" else contextlib.nullcontext():
                producer.send("t", b"x" * size)
        await until(lambda: producer.messages == 0)
        assert told == {"first": ("t", 0, 0, "")}

    working(job)


def test_a_producer_that_librdkafka_gave_up_is_replaced(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config_of(cluster, acks=-1, idempotent=True))
        assert await delivered(producer) is None
        broken = producer.client
        producer.first_lane.on_fatal(45, "the sequence is broken")
        await until(lambda: producer.client is not broken)
        assert await delivered(producer) is None

    working(job)


def test_a_failing_callback_does_not_stop_the_others(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config_of(cluster))

        def bad(_: Any) -> None:
            raise RuntimeError("a bug")

        producer.send("t", b"1", on_delivery=bad)
        assert await delivered(producer) is None

    working(job)


def test_an_impossible_topic_is_an_error_of_the_record(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> Any:
        return await delivered(worker.pool.get(config_of(cluster)), topic="x" * 600)

    assert isinstance(working(job), ProduceError)


def test_many_batches_of_many_records_arrive_once_each(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config_of(cluster, acks=-1, idempotent=True))
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


@pytest.mark.parametrize("acks", [1, -1])
@pytest.mark.parametrize("headers", [(), (("h", b"1"),)])
def test_large_values_are_written_as_they_were_sent(
    cluster: MockKafka, acks: int, headers: tuple[tuple[str, bytes], ...]
) -> None:
    # They are not copied: their memory must be nobody else's until they are reported, however
    # often they are sent, and is given back then.
    # Less than 5 MB in all, which is what the mock cluster keeps of a partition.
    sizes = [100, 16 * 1024, 70_000, 200_000]

    def value(number: int) -> bytes:
        return b"%04d" % number * (sizes[number % 4] // 4)

    refused: list[bytes] = []

    def report_of(sent: bytes) -> Callable[[object], None]:
        return lambda error: refused.append(sent) if error else None

    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config_of(cluster, acks=acks, idempotent=acks == -1))
        assert await delivered(producer) is None
        cluster.round_trip(20)
        cluster.fail(87)
        for number in range(40):
            key = b"k" if number % 9 == 0 else None
            producer.send("t", value(number), key, headers, report_of(value(number)))
            if number % 8 == 7:
                await asyncio.sleep(0)
        rubbish = []
        while producer.messages:
            rubbish.append([bytes(size) for size in sizes])
            await asyncio.sleep(0.001)
        assert producer.records == 41 - len(refused)
        assert not producer.client._lent

    working(job)
    # One that librdkafka sent ahead of the others is refused for itself.
    assert len(refused) <= 1
    expected = Counter([b"v", *map(value, range(40))]) - Counter(refused)
    assert Counter(written(cluster)) == expected


def test_large_values_that_are_given_up_are_let_go(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config_of(cluster))
        assert await delivered(producer) is None
        cluster.round_trip(60_000)
        value = bytes(100_000)
        before = sys.getrefcount(value)
        for _ in range(5):
            producer.send("t", value)
        await until(lambda: producer.first_lane.in_flight == 5)
        assert sys.getrefcount(value) == before + 5
        producer.client.purge()
        await until(lambda: producer.messages == 0)
        assert sys.getrefcount(value) == before

    working(job)


def test_settings_that_librdkafka_refuses_name_the_setting_and_no_secret(
    cluster: MockKafka,
) -> None:
    async def job(worker: Worker) -> None:
        worker.pool.get(config_of(cluster, extra=(("acks", "hidden-secret"),)))

    with pytest.raises(ProduceError, match="setting acks") as caught:
        working(job)
    assert "hidden-secret" not in str(caught.value)


@pytest.mark.parametrize("keyed", [False, True])
def test_who_asks_is_told_where_a_record_was_written(cluster: MockKafka, keyed: bool) -> None:
    topic = f"asked-{keyed}"

    # With keys, each report of a batch is looked at; without, only those that somebody asks for.
    async def job(worker: Worker) -> dict[int, tuple[Any, ...]]:
        cluster.create(topic)
        producer = worker.pool.get(config_of(cluster))
        told: dict[int, tuple[Any, ...]] = {}
        for place in range(10):
            if place % 3 == 0:
                producer.watch_tokens(producer.last_token, partial(note, told, place), 1)
            producer.send(topic, b"v", b"%d" % place if keyed else None)
        await until(lambda: producer.messages == 0)
        return told

    def note(told: dict[int, tuple[Any, ...]], place: int, *report: Any) -> None:
        assert place not in told
        told[place] = report

    assert working(job) == {place: (topic, 0, place, "") for place in (0, 3, 6, 9)}
