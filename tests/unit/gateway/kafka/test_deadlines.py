# SPDX-License-Identifier: Apache-2.0
"""Records are late when their deadline is over, and those taken after them are not.

What is late is not sent any more, and its sender is told so.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

import pytest

from gateway.kafka import deadlines, first_lane
from gateway.kafka.deadlines import Deadlines
from tests.support.mock_kafka import MockKafka, delivered, small_requests, written
from tests.support.producing import Worker, until, working


class LateClock:
    """The clock of records, which can be put on as if the process had been stopped."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = 0.0
        for module in (deadlines, first_lane):
            monkeypatch.setattr(module, "monotonic", lambda: monotonic() + self.ahead)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> LateClock:
    return LateClock(monkeypatch)


@pytest.fixture
def unswept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tell nobody by the clock alone."""
    monkeypatch.setattr(deadlines, "_SWEEP", 3600.0)


async def test_what_was_taken_before_is_late_and_what_came_after_is_not() -> None:
    late: list[int] = []

    def expire(last: int) -> bool:
        late.append(last)
        return True

    deadlines = Deadlines(asyncio.get_running_loop(), 60.0, expire)
    deadlines.mark(monotonic() - 61, 3)
    deadlines.mark(monotonic(), 5)
    await until(lambda: len(late) >= 2)
    deadlines.close()
    assert late[:2] == [3, 0]


async def test_the_sweep_ends_when_there_is_nothing_to_look_after() -> None:
    calls: list[int] = []

    def expire(last: int) -> bool:
        calls.append(last)
        return False

    deadlines = Deadlines(asyncio.get_running_loop(), 0.0, expire)
    deadlines.mark(monotonic(), 1)
    await until(lambda: calls)
    deadlines.mark(monotonic(), 1)
    deadlines.mark(monotonic(), 2)
    await until(lambda: len(calls) == 2)
    assert calls == [1, 2]


@pytest.mark.kafka
@pytest.mark.parametrize("key", [None, b"k"])
def test_nothing_is_sent_past_its_deadline_where_the_loop_was_held_up(
    cluster: MockKafka, clock: LateClock, key: bytes | None
) -> None:
    async def job(worker: Worker) -> None:
        producer = worker.pool.get(small_requests(cluster, deadline=30_000))
        assert await delivered(producer) is None
        told: list[str] = []
        producer.watch_tokens(producer.last_token, lambda *one: told.append(one[-1]), 12)
        for number in range(12):
            producer.send("t", b"%d" % number, key, on_delivery=reports.append)
        # Before anything was looked at.
        clock.ahead = 60.0
        producer.flush()
        assert (producer.messages, producer.bytes, producer.first_lane.in_flight) == (0, 0, 0)
        await until(lambda: len(reports) == 12)
        assert told == ["_TIMED_OUT"] * 12
        assert producer.watch.topics["t"].failures == {"_TIMED_OUT": 12}
        clock.ahead = 0.0
        assert await delivered(producer, b"next") is None

    reports: list[Any] = []
    working(job)
    assert {report.reason for report in reports} == {"_TIMED_OUT"}
    assert set(written(cluster)) == {b"v", b"next"}


@pytest.mark.kafka
@pytest.mark.usefixtures("unswept")
@pytest.mark.parametrize("key", [None, b"k"])
@pytest.mark.parametrize("behind", [False, True])
def test_what_waits_behind_others_is_not_sent_past_its_deadline(
    cluster: MockKafka, clock: LateClock, key: bytes | None, behind: bool
) -> None:
    async def job(worker: Worker) -> None:
        producer = worker.pool.get(small_requests(cluster, deadline=30_000))
        assert await delivered(producer) is None
        producer.first_lane._hold = 60.0
        cluster.round_trip(300)
        for number in range(12):
            producer.send("t", b"%d" % number, key, on_delivery=reports.append)
        producer.flush()
        if behind:
            for number in range(12, 16):
                producer.send("t", b"%d" % number, key, on_delivery=reports.append)
            producer.flush()
        sent = producer.first_lane.in_flight
        assert 0 < sent < 12
        clock.ahead = 60.0
        # Whatever is tried: what stays behind others is looked at when it goes.
        for _ in range(5):
            producer.flush()
        count = 16 if behind else 12
        await until(lambda: len(reports) == count)
        # What was on its way is told of as what became of it.
        assert sum(report is None for report in reports) == sent
        assert (producer.messages, producer.bytes) == (0, 0)

    reports: list[Any] = []
    working(job)
    assert len(written(cluster)) == 1 + sum(report is None for report in reports)


@pytest.mark.kafka
def test_who_is_told_may_have_records_handed_over(cluster: MockKafka, clock: LateClock) -> None:
    async def job(worker: Worker) -> None:
        producer = worker.pool.get(small_requests(cluster, deadline=30_000))
        producer.declare("u")  # with several topics, a record's is counted when it is let go
        assert await delivered(producer) is None
        producer.first_lane._hold = 60.0
        cluster.round_trip(2000)

        def report(error: Any) -> None:
            reports.append(error)
            producer.flush()

        for number in range(12):
            producer.send("t", b"%d" % number, on_delivery=report)
        producer.flush()
        sent = producer.first_lane.in_flight
        clock.ahead = 60.0
        await until(lambda: len(reports) == 12)
        assert producer.messages == producer.first_lane.in_flight == sent
        await until(lambda: producer.messages == 0)
        assert len(written(cluster)) == 1 + sent
        assert not producer.watch.unplaced
        assert producer.watch.topics["t"].failures == {"_TIMED_OUT": 12}

    reports: list[Any] = []
    working(job)
    assert {report.reason for report in reports} == {"_TIMED_OUT"}


@pytest.mark.kafka
@pytest.mark.usefixtures("unswept")
def test_any_number_of_late_records_of_one_key_is_let_go(
    cluster: MockKafka, clock: LateClock
) -> None:
    many = 3000

    async def job(worker: Worker) -> None:
        producer = worker.pool.get(small_requests(cluster, deadline=30_000, batch_messages=1))
        assert await delivered(producer) is None
        for number in range(many):
            producer.send("t", b"%d" % number, b"k", on_delivery=reports.append)
        producer.flush()
        clock.ahead = 60.0
        await until(lambda: len(reports) == many)
        assert (producer.messages, producer.bytes) == (0, 0)
        assert not producer._order

    reports: list[Any] = []
    working(job)
    assert len(written(cluster)) == 1 + sum(report is None for report in reports)
