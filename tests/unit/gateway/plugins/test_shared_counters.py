# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import mmap
import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from time import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.plugins import shared_counters as module
from gateway.plugins.shared_counters import Directory, SharedCounters, area_size

START = int(time())
END = START + 3600


@contextmanager
def memfd() -> Iterator[int]:
    descriptor = os.memfd_create("test")
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def memory() -> Iterator[int]:
    with memfd() as descriptor:
        yield descriptor


def counted(
    counters: SharedCounters,
    name: str,
    times: int,
    *,
    limit: str = "l",
    start: int = START,
    end: int = END,
) -> int:
    counter = counters.table(limit, start, end).counter(name)
    for _ in range(times):
        counter.add()
    return counter.total()


def test_workers_see_each_others_counts(memory: int) -> None:
    workers = [SharedCounters(memory, index, 3) for index in range(3)]
    assert [counted(worker, "a", 2) for worker in workers] == [2, 4, 6]
    assert [counted(worker, "a", 0) for worker in workers] == [6, 6, 6]
    assert counted(workers[1], "b", 1) == 1
    assert counted(workers[2], "a", 1, limit="other") == 1


def test_a_worker_in_the_place_of_a_killed_one_goes_on_from_its_counts(memory: int) -> None:
    first, other = SharedCounters(memory, 0, 2), SharedCounters(memory, 1, 2)
    counted(first, "a", 3)
    counted(other, "a", 4)
    assert counted(SharedCounters(memory, 0, 2), "a", 1) == 8


def test_in_a_killed_ones_place_no_count_is_overwritten(
    memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SLOTS", 1)
    first, other = SharedCounters(memory, 0, 2), SharedCounters(memory, 1, 2)
    for number in range(8):
        counted(first, f"old {number}", 1)
    after = SharedCounters(memory, 0, 2)
    for number in range(8):
        counted(after, f"new {number}", 1)
    assert [counted(other, f"old {number}", 0) for number in range(8)] == [1] * 8


def test_a_name_that_is_asked_for_twice_is_one_count() -> None:
    counters = SharedCounters()
    one, two = (counters.table("l", START, END).counter("a") for _ in range(2))
    one.add()
    two.add()
    assert one.total() == two.total() == 2


def test_a_count_that_nobody_holds_goes_on_when_it_is_asked_for_again() -> None:
    counters = SharedCounters()
    counted(counters, "a", 5)
    assert counted(counters, "a", 1) == 6


@pytest.mark.parametrize("given_back", [True, False])
def test_the_next_window_begins_with_nothing(
    memory: int, given_back: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not given_back:
        monkeypatch.setattr(mmap, "MADV_REMOVE", -1)
    monkeypatch.setattr(module, "_SLOTS", 1)
    first, other = SharedCounters(memory, 0, 2), SharedCounters(memory, 1, 2)
    for number in range(9):
        counted(first, str(number), 1)
    assert counted(first, "0", 1, start=END, end=END + 60) == 1
    assert counted(other, "0", 1, start=END, end=END + 60) == 2
    assert counted(other, "9", 1, start=END, end=END + 60) == 1


def test_a_flood_of_one_limit_leaves_the_counts_of_others(memory: int) -> None:
    first, other = SharedCounters(memory, 0, 2), SharedCounters(memory, 1, 2)
    for number in range(100):
        counted(first, f"a {number}", 1, limit="quiet")
    for number in range(module._SLOTS + 8):
        first.table("flooded", START, END).counter(str(number))
    for number in range(100, 200):
        counted(first, f"a {number}", 1, limit="quiet")
    assert {counted(other, f"a {number}", 0, limit="quiet") for number in range(200)} == {1}
    assert len(first.table("flooded", START, END)._counters) <= module._COUNTERS


def test_where_an_area_is_full_a_worker_counts_for_itself(
    memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SLOTS", 1)
    first, other = SharedCounters(memory, 0, 2), SharedCounters(memory, 1, 2)
    for number in range(8):
        counted(first, str(number), 1)
    assert counted(first, "more", 3) == 3
    assert counted(other, "more", 1) == 1


def test_a_limit_that_is_not_asked_for_any_more_leaves_its_block(
    memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    counters = SharedCounters(memory, 0, 1)
    blocks = [counters.table(name, START, END).block for name in ("a", "b")]
    assert blocks == [0, 1]
    monkeypatch.setattr(module, "time", lambda: END + 2 * 3600.0)
    assert counters.table("b", END, END + 4 * 3600).block == 1
    assert counters.table("c", END, END + 4 * 3600).block == 0
    assert counters.table("a", END, END + 4 * 3600).block == 2


def test_limits_for_which_no_block_is_left_are_counted_by_each_worker(
    memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, other = SharedCounters(memory, 0, 2), SharedCounters(memory, 1, 2)
    monkeypatch.setattr(module.Directory, "claim", lambda *_: -1)
    assert counted(first, "a", 3) == 3
    assert counted(other, "a", 1) == 1
    assert counted(first, "a", 1) == 4


def test_memory_is_mapped_for_many_limits_at_once(memory: int) -> None:
    counters = SharedCounters(memory, 1, 2)
    before = len(os.listdir("/proc/self/fd"))
    tables = [counters.table(str(number), START, END) for number in range(130)]
    assert len({table.block for table in tables}) == 130
    assert len(os.listdir("/proc/self/fd")) <= before + 3
    assert os.fstat(memory).st_size == Directory.SIZE + 192 * 2 * area_size()
    found = [table.counter("a") for table in tables]
    for counter in found:
        counter.add()
    assert {counter.total() for counter in found} == {1}


def _claim(memory: int, index: int, ends: multiprocessing.SimpleQueue[list[int]]) -> None:
    counters = SharedCounters(memory, index, 4)
    ends.put([counters.table(str(number), START, END).block for number in range(40)])


def test_workers_that_come_at_once_agree_on_the_blocks(memory: int) -> None:
    context = multiprocessing.get_context("fork")
    ends: multiprocessing.SimpleQueue[list[int]] = context.SimpleQueue()
    workers = [context.Process(target=_claim, args=(memory, index, ends)) for index in range(4)]
    for worker in workers:
        worker.start()
    found = [ends.get() for _ in workers]
    for worker in workers:
        worker.join()
    assert found[0] == found[1] == found[2] == found[3]
    assert len(set(found[0])) == 40


def test_a_mark_only_rises_and_is_the_highest_of_all_workers(memory: int) -> None:
    workers = [SharedCounters(memory, index, 3) for index in range(3)]
    marks = [worker.table("l", START, END).counter("a") for worker in workers]
    marks[0].raise_to(7)
    marks[1].raise_to(9)
    marks[1].raise_to(8)
    assert [mark.highest() for mark in marks] == [9, 9, 9]


def test_more_than_one_is_counted_at_once() -> None:
    counter = SharedCounters().table("limit", 0, 60).counter("a")
    counter.add(1000)
    counter.add()
    assert counter.total() == 1001


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(1, 6)), max_size=30))
def test_taking_one_is_asking_for_the_total_and_adding(steps: list[tuple[int, int]]) -> None:
    with memfd() as ours, memfd() as theirs:
        taking = [SharedCounters(ours, index, 2).table("l", START, END) for index in range(2)]
        adding = [SharedCounters(theirs, index, 2).table("l", START, END) for index in range(2)]
        for worker, most in steps:
            reference = adding[worker].counter("a")
            left = most - reference.total() - 1
            if left >= 0:
                reference.add()
            assert taking[worker].counter("a").take(most) == max(left, -1)
        assert [table.counter("a").total() for table in taking] == [
            table.counter("a").total() for table in adding
        ]


def test_a_full_word_stays_full() -> None:
    counter = SharedCounters().table("l", START, END).counter("a")
    counter.add((1 << 32) - 1)
    assert counter.take(1 << 40) == (1 << 40) - (1 << 32)
    assert counter.total() == 1 << 32


def test_what_is_at_hand_goes_with_the_counters_it_stands_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_COUNTERS", 2)
    table = SharedCounters().table("l", START, END)
    first = table.at_hand["1"] = table.counter("one")
    first.add()
    table.counter("two")
    table.counter("three")
    assert table.at_hand == {}
    assert table.counter("one").total() == 1
    table.at_hand["1"] = table.counter("one")
    table.open(START + 60)
    assert table.at_hand == {}
