# SPDX-License-Identifier: Apache-2.0
"""Records of one turn of the event loop go to librdkafka together."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.mock_kafka import MockKafka, config_of, delivered
from tests.support.producing import Worker, until, working

pytestmark = pytest.mark.kafka


def test_what_comes_in_one_turn_is_in_flight_together(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config_of(cluster))
        assert await delivered(producer) is None
        cluster.round_trip(200)
        for _ in range(7):
            producer.send("t", b"x")
        assert producer.first_lane.in_flight == 0
        await asyncio.sleep(0)
        assert (producer.first_lane.in_flight, producer.first_lane.staged) == (7, {})
        await until(lambda: producer.messages == 0)
        assert producer.first_lane.in_flight == 0

    working(job)


def test_further_records_wait_for_those_in_flight(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config_of(cluster, acks=-1, idempotent=True))
        assert await delivered(producer) is None
        cluster.round_trip(200)
        producer.send("t", b"first")
        await asyncio.sleep(0)
        producer.send("t", b"second")
        assert producer.first_lane.in_flight == 1
        assert list(producer.first_lane.staged) == ["t"]
        await until(lambda: producer.records == 3)

    working(job)


def test_a_caller_that_is_alone_is_handed_over_in_the_same_turn(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config_of(cluster))
        for _ in range(20):
            report = asyncio.get_running_loop().create_future()
            producer.send("t", b"x", on_delivery=report.set_result)
            await asyncio.sleep(0)
            assert (producer.first_lane.in_flight, producer.first_lane.staged) == (1, {})
            assert await report is None

    working(job)


def test_after_a_batch_of_several_the_next_wait_until_as_many_are_there(
    cluster: MockKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The two milliseconds are a minute here: only the number of records can end the wait.
    monkeypatch.setattr("gateway.kafka.pace._GAP", 60.0)

    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config_of(cluster))
        lane = producer.first_lane
        for _ in range(3):
            producer.send("t", b"together")
        await until(lambda: producer.records == 3)
        for number in range(2):
            producer.send("t", b"next", b"key" if number else None)
        await asyncio.sleep(0)
        assert (lane.in_flight, lane.count, producer.records) == (0, 2, 3)
        producer.send("t", b"the last of them")
        await asyncio.sleep(0)
        assert (lane.in_flight, lane.count) == (3, 0)
        await until(lambda: producer.records == 6)

    working(job)


def test_fewer_than_came_lately_go_when_the_wait_is_over(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config_of(cluster))
        for _ in range(3):
            producer.send("t", b"together")
        await until(lambda: producer.records == 3)
        for _ in range(5):
            assert await delivered(producer) is None

    working(job)


def test_a_flush_waits_for_no_company(cluster: MockKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.kafka.pace._GAP", 60.0)

    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config_of(cluster))
        for _ in range(3):
            producer.send("t", b"together")
        await until(lambda: producer.records == 3)
        producer.send("t", b"alone")
        producer.flush()
        await until(lambda: producer.records == 4)
        producer.send("t", b"left when the pool closes")

    working(job)
