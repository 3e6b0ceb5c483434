# SPDX-License-Identifier: Apache-2.0
"""Many records of one request: limits, room before anything is made, and turns for others."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import pytest

from gateway.errors import BufferFull, RequestRejected
from gateway.http.messages import Pending, Request, Response
from gateway.kafka.producer import Producer
from gateway.plugins.produce.bulk import Addressed, send
from tests.support.mock_kafka import MockKafka, mock_kafka
from tests.support.producing import Worker, answer, body_of, request, until, working

T = TypeVar("T")
TO = Addressed(("t",), None, ())


@pytest.fixture(scope="module")
def cluster() -> Iterator[MockKafka]:
    with mock_kafka() as made:
        made.create("t")
        yield made


def post(body: bytes, **headers: str) -> Request:
    given = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return request("/kafka", "POST", given, body, "application/json")


def ask(cluster: MockKafka, asked: Request, **config: Any) -> tuple[Response, int]:
    """Return the answer, and how many records were produced."""

    async def job(worker: Worker) -> tuple[Response, int]:
        handler = worker.plugin({"topic": "t", "bootstrap_servers": cluster.servers, **config})
        producer = handler.producer
        assert producer is not None
        response = await answer(handler, asked)
        await until(lambda: not producer.messages)
        return response, producer.records

    return working(job)


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize(("kind", "body"), [("ndjson", b"1\n\n1\n1"), ("json_array", b"[1,1,1]")])
def test_more_records_than_allowed_are_413_naming_the_limit(
    cluster: MockKafka, kind: str, body: bytes, buffered: bool
) -> None:
    config = {"records": kind, "producer_async": buffered}
    response, written = ask(cluster, post(body), max_records=2, **config)
    assert (response.status, written) == (413, 0)
    assert "max_records allows: 2" in body_of(response)["error"]
    response, written = ask(cluster, post(body), max_records=3, **config)
    assert (response.status, written) == (200, 3)


def test_the_limit_is_5000_by_default(cluster: MockKafka) -> None:
    response, written = ask(cluster, post(b"1\n" * 5001), records="ndjson")
    assert (response.status, written) == (413, 0)
    response, written = ask(cluster, post(b"1\n" * 5000), records="ndjson")
    assert (response.status, written) == (200, 5000)
    assert len(body_of(response)["records"]) == 5000


def test_the_loop_runs_while_a_big_request_is_turned_into_records(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> int:
        config = {"topic": "t", "bootstrap_servers": cluster.servers, "max_records": 50_000}
        handler = worker.plugin({**config, "records": "ndjson"})
        turns = 0
        found = handler.access(post(b"1\n" * 49_000))
        assert isinstance(found, Pending)
        arrived: list[Response] = []
        found.then(arrived.append)
        while not arrived:
            turns += 1
            await asyncio.sleep(0)
        assert arrived[0].status == 200
        return turns

    # Some 0.2 s of work in turns of 2 ms.
    assert working(job) >= 20


def test_headers_count_for_each_record_before_anything_is_made(cluster: MockKafka) -> None:
    asked = post(b"1\n" * 4000, x_large="y" * 30_000)
    config = {"records": "ndjson", "headers": {"include_headers": ["x-large"]}}
    tracemalloc.start()
    try:
        response, written = ask(cluster, asked, **config)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (response.status, written) == (413, 0)
    assert "more than the producer buffers" in body_of(response)["error"]
    assert peak < 8_000_000


def test_more_records_than_the_buffer_ever_holds_are_413(cluster: MockKafka) -> None:
    config = {"producer_async_buffering_limits_messages_in_memory": 10, "records": "ndjson"}
    response, written = ask(cluster, post(b"1\n" * 11), **config)
    assert (response.status, written) == (413, 0)


def test_without_room_in_the_buffer_it_is_503_and_nothing_is_sent(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> tuple[Response, int]:
        limit = {"producer_async_buffering_limits_messages_in_memory": 10, "records": "ndjson"}
        handler = worker.plugin({"topic": "t", "bootstrap_servers": cluster.servers, **limit})
        producer = handler.producer
        assert producer is not None
        assert (await answer(handler, post(b"1\n" * 6))).status == 200
        response = await answer(handler, post(b"1\n" * 6))
        await until(lambda: not producer.messages)
        return response, producer.records

    response, written = working(job)
    assert (response.status, written) == (503, 6)


def producing(cluster: MockKafka, job: Callable[[Producer], Awaitable[T]]) -> T:
    async def run(worker: Worker) -> T:
        limit = {"producer_async_buffering_limits_messages_in_memory": 10}
        handler = worker.plugin({"topic": "t", "bootstrap_servers": cluster.servers, **limit})
        assert handler.producer is not None
        return await job(handler.producer)

    return working(run)


def test_room_is_kept_for_all_while_others_send(cluster: MockKafka) -> None:
    async def job(producer: Producer) -> None:
        steps = send(producer, TO, [1] * 8, lambda _: b"x", lambda _: None)
        next(steps)
        with pytest.raises(BufferFull):
            producer.check_room(3, 1)
        producer.send("t", b"other")
        for _ in steps:
            pass
        await until(lambda: not producer.messages)
        assert (producer.records, producer.bytes) == (9, 0)

    producing(cluster, job)


def test_what_is_refused_half_way_is_told_for_each_record(cluster: MockKafka) -> None:
    async def job(producer: Producer) -> None:
        failed: list[Any] = []
        steps = send(producer, TO, [1] * 4, lambda _: b"x", lambda _: failed.append)
        next(steps)
        producer.closing = True
        with pytest.raises(StopIteration) as done:
            while True:
                next(steps)
        producer.closing = False
        assert [error is None for error in done.value.value] == [True, False, False, False]
        await until(lambda: not producer.messages)
        assert [error is None for error in failed].count(True) == 1
        assert (producer.records, producer.bytes, len(failed)) == (1, 0, 4)

    producing(cluster, job)


def test_a_value_that_cannot_be_made_gives_the_room_back(cluster: MockKafka) -> None:
    def broken(index: int) -> bytes:
        raise RequestRejected(500, "broken")

    async def job(producer: Producer) -> None:
        with pytest.raises(RequestRejected):
            next(send(producer, TO, [1] * 4, broken, lambda _: None))
        assert (producer.messages, producer.bytes) == (0, 0)

    producing(cluster, job)
