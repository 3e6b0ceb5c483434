# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import gc
import logging
import tracemalloc
from typing import Any

import pytest

from gateway.errors import OutgoingError
from gateway.plugins.logging.counts import LogCounts
from gateway.plugins.logging.queue import BatchQueue, QueueClock, QueueLimits
from tests.support.logging import SlowClock, settle
from tests.support.waiting import PATIENCE


class Sink:
    """Takes batches, unless it is away."""

    def __init__(self, counts: LogCounts) -> None:
        self._counts = counts
        self.away = False
        self.takes = 1_000_000
        self.batches: list[list[bytes]] = []
        self.attempts = 0
        self.hangs: asyncio.Future[None] | None = None

    @property
    def entries(self) -> list[bytes]:
        return [entry for batch in self.batches for entry in batch]

    async def send(self, entries: list[bytes]) -> int:
        self.attempts += 1
        if self.hangs is not None:
            await self.hangs
        if self.away:
            raise OutgoingError("the sink is away")
        taken = entries[: self.takes]
        self.batches.append(taken)
        self._counts.sent("http-log", len(taken))
        return len(taken)


class Subject:
    """A queue before a sink, in slow time."""

    def __init__(self, **limits: Any) -> None:
        self.clock, self.counts = SlowClock(), LogCounts()
        self.sink = Sink(self.counts)
        self.queue = BatchQueue(
            "http-log", QueueLimits(**limits), self.sink.send, self.counts, self.clock
        )

    def add(self, *entries: bytes) -> None:
        for entry in entries:
            self.queue.add(entry)

    @property
    def sent(self) -> int:
        found: int = self.counts.report()["sent"].get("http-log", 0)
        return found

    @property
    def dropped(self) -> dict[str, int]:
        found: dict[str, int] = self.counts.report()["dropped"].get("http-log", {})
        return found


async def test_a_batch_of_one_is_sent_at_once() -> None:
    it = Subject(batch=1, coalescing=1)
    it.add(b"1", b"2")
    await settle()
    assert it.sink.batches == [[b"1"], [b"2"]]
    assert (it.sent, it.dropped) == (2, {})
    await it.queue.close(1)


async def test_a_batch_waits_for_more_until_it_is_full_or_its_time_is_over() -> None:
    it = Subject(batch=2, coalescing=1)
    it.add(b"1")
    await it.clock.advance(0.9)
    assert it.sink.batches == []
    it.add(b"2")
    await settle()
    assert it.sink.batches == [[b"1", b"2"]]
    it.add(b"3")
    await it.clock.advance(1)
    assert it.sink.batches[1:] == [[b"3"]]
    await it.queue.close(1)


async def test_a_full_queue_drops_its_oldest_entries_and_says_so_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    it = Subject(batch=1, entries=2, retry_time=-1)
    it.sink.away = True
    it.add(b"1")
    await settle()
    it.add(b"2", b"3", b"4")
    it.sink.away = False
    await it.clock.advance(1)
    assert it.sink.entries == [b"3", b"4"]
    assert (it.sent, it.dropped) == (2, {"queue_full": 2})
    full = [one for one in caplog.records if one.message.startswith("queue full, dropping old")]
    assert len(full) == 1
    await it.queue.close(1)


async def test_an_entry_that_is_dropped_while_it_is_taken_counts_as_sent() -> None:
    it = Subject(batch=1, entries=1)
    it.sink.hangs = asyncio.get_running_loop().create_future()
    it.add(b"1")
    await settle()
    it.add(b"2")
    it.sink.hangs.set_result(None)
    await settle()
    assert it.sink.entries == [b"1", b"2"]
    assert (it.sent, it.dropped) == (2, {})
    await it.queue.close(1)


async def test_bytes_are_bounded_and_an_entry_that_never_fits_is_refused() -> None:
    it = Subject(batch=1, bytes=10, retry_time=-1)
    it.sink.away = True
    it.add(b"x" * 11, b"a" * 6, b"b" * 6)
    assert it.dropped == {"too_large": 1, "queue_full": 1}
    it.sink.away = False
    await it.clock.advance(1)
    assert it.sink.entries == [b"b" * 6]
    await it.queue.close(1)


async def test_attempts_are_twice_as_far_apart_each_time_and_end() -> None:
    it = Subject(batch=1, retry_time=60, first_delay=1, longest_delay=8)
    it.sink.away = True
    it.add(b"1")
    await settle()
    times = [0.0]
    for _ in range(70):
        before = it.sink.attempts
        await it.clock.advance(1)
        if it.sink.attempts > before:
            times.append(it.clock.time - 1000)
    assert times == [0, 1, 3, 7, 15, 23, 31, 39, 47, 55, 63]
    assert (it.sent, it.dropped, len(it.queue)) == (0, {"not_delivered": 1}, 0)
    it.sink.away = False
    it.add(b"2")
    await settle()
    assert it.sink.entries == [b"2"]
    await it.queue.close(1)


@pytest.mark.parametrize("at_once", [False, True])
async def test_a_sink_that_takes_nothing_is_told_of_before_anything_is_lost(
    caplog: pytest.LogCaptureFixture, at_once: bool
) -> None:
    it = Subject(batch=1, retry_time=-1, first_delay=1, longest_delay=1, at_once=at_once)
    it.sink.away = True
    it.add(b"1")
    await settle()

    def told() -> list[str]:
        wait = "log entries wait: they cannot be delivered"
        lines: list[Any] = [one for one in caplog.records if one.message == wait]
        return [one.fields["problem"] for one in lines]

    assert told() == ["the sink is away"]
    for _ in range(59):
        await it.clock.advance(1)
    assert len(told()) == 1
    await it.clock.advance(2)
    assert (len(told()), it.dropped) == (2, {})
    it.sink.away = False
    await it.clock.advance(1)
    assert it.sink.entries == [b"1"]
    # Another time is told of as well, but not each entry of a sink that takes every second.
    it.sink.away = True
    it.add(b"2")
    await settle()
    assert len(told()) == 2
    await it.clock.advance(1)
    assert len(told()) == 3
    await it.queue.close(1)


async def test_a_batch_that_is_taken_in_part_goes_on_with_the_rest() -> None:
    it = Subject(batch=3, coalescing=0)
    it.sink.takes = 2
    it.add(b"1", b"2", b"3")
    await it.clock.advance(1)
    assert it.sink.batches == [[b"1", b"2"], [b"3"]]
    assert (it.sent, it.dropped) == (3, {})
    await it.queue.close(1)


async def test_what_waits_goes_by_the_newest_settings() -> None:
    it = Subject(batch=1, retry_time=-1)
    it.sink.away = True
    it.add(b"1", b"2")
    await settle()
    other = Sink(it.counts)
    it.queue.send = other.send
    it.queue.limits = QueueLimits(batch=2)
    await it.clock.advance(2)
    assert other.batches == [[b"1"], [b"2"]]
    await it.queue.close(1)


async def test_entries_by_themselves_do_not_wait_for_each_other_and_are_bounded() -> None:
    it = Subject(at_once=True, entries=2, batch=10)
    it.sink.hangs = asyncio.get_running_loop().create_future()
    it.add(b"1", b"2", b"3")
    await settle()
    assert (it.sink.attempts, len(it.queue), it.dropped) == (2, 2, {"queue_full": 1})
    it.sink.hangs.set_result(None)
    await settle()
    assert it.sink.batches == [[b"1"], [b"2"]]
    await it.queue.close(1)


async def test_closing_delivers_what_is_left_and_counts_what_cannot_be() -> None:
    it = Subject(batch=10, coalescing=100)
    it.add(b"1", b"2")
    await it.queue.close(5)
    assert it.sink.batches == [[b"1", b"2"]]
    lost = Subject(batch=1, retry_time=-1)
    lost.sink.away = True
    lost.add(b"1", b"2", b"3")
    await lost.queue.close(0.01)
    assert (lost.sent, lost.dropped) == (0, {"closed": 3})


async def test_closing_does_not_wait_for_a_sink_that_is_away() -> None:
    """However much time there is: it tries for a second."""
    it = Subject(batch=1, retry_time=-1)
    it.sink.away = True
    it.add(b"1", b"2")
    closing = asyncio.create_task(it.queue.close(60))
    await it.clock.advance(2)
    await asyncio.wait_for(closing, PATIENCE)
    assert it.dropped == {"closed": 2}
    alone = Subject(at_once=True, retry_time=-1)
    alone.sink.away = True
    alone.add(b"1")
    closing = asyncio.create_task(alone.queue.close(60))
    await alone.clock.advance(2)
    await asyncio.wait_for(closing, PATIENCE)
    assert alone.dropped == {"not_delivered": 1}


async def test_ten_minutes_without_a_sink_cost_no_memory_and_no_count(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Every entry is sent or counted as dropped, and the newest are there when the sink is."""
    caplog.set_level(logging.CRITICAL)
    it = Subject(batch=50, coalescing=0.1, entries=500, retry_time=60)
    it.sink.away = True
    added = 0

    async def minute() -> None:
        nonlocal added
        for _ in range(60):
            for _ in range(50):
                it.add(b"%0100d" % added)
                added += 1
            await it.clock.advance(1)

    await minute()
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(9):
        await minute()
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 200_000
    assert len(it.queue) <= 500
    it.sink.away = False
    await it.clock.advance(120)
    assert len(it.queue) == 0
    assert it.sent + sum(it.dropped.values()) == added
    assert it.sent == len(it.sink.entries) == len(set(it.sink.entries))
    assert it.sink.entries[-400:] == [b"%0100d" % one for one in range(added - 400, added)]
    await it.queue.close(1)


async def test_real_time_moves_by_itself() -> None:
    clock = QueueClock()
    signal: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    before = clock.now()
    await clock.wait(signal, 0.01)
    assert clock.now() > before
    signal.set_result(None)
    await clock.wait(signal, None)


@pytest.mark.parametrize(
    "limits",
    [
        {"batch": 3, "coalescing": 60},
        {"batch": 3, "coalescing": 60, "entries": 4},
        {"batch": 3, "coalescing": 60, "bytes": 9},
        {"batch": 3, "coalescing": 60, "entries": 3, "bytes": 5},
        {"at_once": True},
    ],
)
async def test_entries_that_come_together_are_taken_as_one_by_one(limits: dict[str, Any]) -> None:
    together, each = Subject(**limits), Subject(**limits)
    for some in ([], [b"1"], [b"22", b"333"], [b"4" * 20], [b"%d" % n for n in range(9)], [b"5"]):
        together.queue.add_all(some)
        each.add(*some)
        assert list(together.queue._entries) == list(each.queue._entries)
        assert together.queue._bytes == each.queue._bytes
        assert together.dropped == each.dropped
    await settle()
    assert together.sink.batches == each.sink.batches
    assert len(together.queue) == len(each.queue)
    await together.queue.close(1)
    await each.queue.close(1)
    assert together.sink.entries == each.sink.entries
    assert together.queue._bytes == 0
