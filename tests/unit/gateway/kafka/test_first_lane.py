# SPDX-License-Identifier: Apache-2.0
"""Records of one turn of the event loop go to librdkafka together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest

from gateway.errors import ProduceError
from gateway.kafka.batch import Header
from gateway.kafka.client import Client
from gateway.kafka.config import ProducerConfig
from gateway.kafka.first_lane import FirstLane
from tests.support.mock_kafka import (
    MockKafka,
    config_of,
    delivered,
    silence,
    small_requests,
    written,
)
from tests.support.producing import Worker, until, working

pytestmark = pytest.mark.kafka


def test_what_comes_in_one_turn_is_in_flight_together(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config_of(cluster))
        assert await delivered(producer) is None
        # Several wait for the end of a push: it is that of the one before.
        await until(lambda: not producer.client.pushing)
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
        await until(lambda: producer.records == 3 and not producer.client.pushing)
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


@pytest.mark.parametrize("acks", [1, -1])
@pytest.mark.parametrize("headers", [(), (("traceparent", b"00"),)])
def test_what_is_handed_over_goes_in_one_request_however_long_that_takes(
    cluster: MockKafka, monkeypatch: pytest.MonkeyPatch, acks: int, headers: Sequence[Header]
) -> None:
    # librdkafka keeps records for a minute here: nothing but a push sends them.
    changes = {"idempotent": acks == -1, "linger": 60_000.0, "deadline": 120_000}
    reports = []
    on_deliveries = FirstLane.on_deliveries

    def noted(lane: FirstLane, messages: Sequence[Any]) -> None:
        reports.append(len(messages))
        on_deliveries(lane, messages)

    monkeypatch.setattr(FirstLane, "on_deliveries", noted)

    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config_of(cluster, acks=acks, **changes))

        def is_written() -> bool:
            # Once more: on a busy machine a push may be over before librdkafka's thread sees it.
            producer.client.push()
            return producer.messages == 0

        for count in (1, 500):
            for _ in range(count):
                producer.send("t", b"x", None, headers)
            producer.flush()
            await until(is_written)

    working(job)
    assert reports == [1, 500]


def test_a_push_for_what_is_gone_does_not_send_half_of_what_follows(
    cluster: MockKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    for name in ("forget_push", "produce", "push"):
        called = getattr(Client, name)

        def noted(client: Client, *given: Any, name: str = name, called: Any = called) -> Any:
            calls.append(name)
            return called(client, *given)

        monkeypatch.setattr(Client, name, noted)

    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config_of(cluster))
        assert await delivered(producer) is None

    working(job)
    assert calls[:3] == ["forget_push", "produce", "push"]


def test_records_wait_for_the_end_of_a_push_that_would_send_them_one_by_one(
    cluster: MockKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends: list[bool] = []
    reports: list[int] = []
    on_deliveries, forget = FirstLane.on_deliveries, Client.forget_push

    def noted(lane: FirstLane, messages: Sequence[Any]) -> None:
        reports.append(len(messages))
        on_deliveries(lane, messages)

    monkeypatch.setattr(FirstLane, "on_deliveries", noted)
    monkeypatch.setattr(
        Client, "forget_push", lambda client: ends.pop() if ends else forget(client)
    )

    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config_of(cluster))
        assert await delivered(producer) is None
        await until(lambda: not producer.client.pushing)
        ends.extend([True] * 3)
        for _ in range(2):
            producer.send("t", b"x")
        producer.flush()
        assert producer.first_lane.in_flight == 0
        await until(lambda: producer.messages == 0)
        assert not ends
        # One that is alone goes alone.
        ends.append(True)
        assert await delivered(producer) is None

    working(job)
    assert sum(reports) == 4


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


def test_no_more_than_one_request_is_handed_over_at_a_time(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> None:
        producer = worker.pool.get(small_requests(cluster))
        assert await delivered(producer) is None
        lane = producer.first_lane
        reports: list[Any] = []
        for number in range(30):
            producer.send("t", b"%02d" % number, on_delivery=reports.append)
        seen = set()
        while len(reports) < 30:
            await asyncio.sleep(0)
            seen.add(lane.in_flight)
        # Unless this machine was so slow that a response was overdue.
        assert max(seen) in (4, 8)
        assert set(reports) == {None}
        assert (producer.messages, producer.bytes, lane.count) == (0, 0, 0)

    working(job)
    assert written(cluster) == [b"v", *(b"%02d" % number for number in range(30))]


def test_librdkafka_does_not_spin_while_a_request_is_in_flight(cluster: MockKafka) -> None:
    # Processor time, so that a busy machine changes nothing: half a second of waiting took all of
    # half a second.
    async def job(worker: Worker) -> float:
        producer = worker.pool.get(small_requests(cluster))
        cluster.round_trip(100)
        for _ in range(6):
            # So that it knows how long a response takes.
            assert await delivered(producer) is None
        began = time.process_time()
        for _ in range(20):
            producer.send("t", b"x" * 1000)
        await until(lambda: producer.messages == 0)
        return time.process_time() - began

    assert working(job) < 0.25


def test_where_a_response_is_overdue_the_next_request_goes(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> None:
        producer = worker.pool.get(small_requests(cluster))
        assert await delivered(producer) is None
        cluster.round_trip(60_000)
        for _ in range(12):
            producer.send("t", b"x")
        await until(lambda: producer.first_lane.in_flight == 12)
        producer.client.purge()

    working(job)


def test_over_a_long_way_requests_to_several_partitions_go_beside_each_other(
    cluster: MockKafka,
) -> None:
    cluster.create("wide", 8)

    async def job(worker: Worker) -> None:
        producer = worker.pool.get(small_requests(cluster))
        partitions = producer.first_lane._partitions
        while len(partitions) < 3:
            assert await delivered(producer, topic="wide") is None
            # Until librdkafka chooses another partition.
            await asyncio.sleep(0.01)
        cluster.round_trip(500)
        producer.first_lane._hold = 60.0
        for _ in range(12):
            producer.send("wide", b"x")
        await until(lambda: producer.first_lane.in_flight == 12)
        await until(lambda: producer.messages == 0)

    working(job)


def test_records_that_wait_past_their_deadline_are_reported_and_not_written(
    cluster: MockKafka,
) -> None:
    async def job(worker: Worker) -> list[Any]:
        producer = worker.pool.get(small_requests(cluster, deadline=3000))
        assert await delivered(producer) is None
        lane = producer.first_lane
        # Nothing but a report lets the rest go.
        lane._hold = 60.0
        # Far behind the deadline, however late a busy machine is to look at it.
        cluster.round_trip(10_000)
        reports: list[Any] = []
        for number in range(12):
            producer.send("t", b"%d" % number, on_delivery=reports.append)
        await until(lambda: len(reports) == 12)
        cluster.round_trip(0)
        producer.client.purge()
        await until(lambda: producer.messages == 0)
        assert (producer.bytes, lane.count, lane.in_flight) == (0, 0, 0)
        assert await delivered(producer, b"next") is None
        return reports

    assert {type(report) for report in working(job)} == {ProduceError}
    assert not {b"%d" % number for number in range(4, 12)} & set(written(cluster))


def test_what_is_refused_of_a_backlog_is_sent_again_and_nothing_twice(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> None:
        producer = worker.pool.get(small_requests(cluster))
        assert await delivered(producer) is None
        cluster.fail(87)
        for number in range(30):
            key = b"k%d" % (number % 3) if number % 2 else None
            producer.send(
                "t", b"%d" % number, key, on_delivery=partial(reports.__setitem__, number)
            )
        await until(lambda: len(reports) == 30)
        assert (producer.messages, producer.bytes) == (0, 0)

    reports: dict[int, Any] = {}
    working(job)
    kept = [number for number, error in reports.items() if error is None]
    # One that librdkafka sent ahead of the others is refused for itself.
    assert len(kept) >= 29
    found = written(cluster)
    assert sorted(found) == sorted([b"v", *(b"%d" % number for number in kept)])
    for key in range(3):
        own = [b"%d" % number for number in sorted(kept) if number % 2 and number % 3 == key]
        assert [value for value in found if value in own] == own


def test_a_producer_that_closes_sends_its_backlog_first(cluster: MockKafka) -> None:
    reports: list[Any] = []

    async def job(worker: Worker) -> None:
        producer = worker.pool.get(small_requests(cluster))
        assert await delivered(producer) is None
        cluster.round_trip(20)
        for number in range(30):
            producer.send("t", b"%d" % number, on_delivery=reports.append)

    working(job)
    assert reports == [None] * 30
    assert len(written(cluster)) == 31


def test_a_backlog_for_a_broker_that_never_answers_is_reported_when_the_producer_closes() -> None:
    reports: list[Any] = []

    async def job(worker: Worker) -> None:
        with silence() as address:
            producer = worker.pool.get(
                ProducerConfig((address,), acks=-1, idempotent=True, batch_messages=4)
            )
            for _ in range(30):
                producer.send("t", b"x", on_delivery=reports.append)
            await asyncio.sleep(0)

    working(job, close=0.1)
    assert [type(report) for report in reports] == [ProduceError] * 30


def test_a_backlog_survives_a_broker_that_goes_away_and_comes_back(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> None:
        producer = worker.pool.get(small_requests(cluster))
        assert await delivered(producer) is None
        cluster.round_trip(50)
        reports: list[Any] = []
        for number in range(40):
            producer.send("t", b"%d" % number, on_delivery=reports.append)
        await until(lambda: len(reports) >= 4)
        cluster.down()
        await until(lambda: producer.first_lane.in_flight > 0)
        cluster.up()
        await until(lambda: len(reports) == 40)
        assert set(reports) == {None}

    working(job)
    # As a set: the mock cluster does not look for what it has, as a broker would.
    assert set(written(cluster)) == {b"v", *(b"%d" % number for number in range(40))}
