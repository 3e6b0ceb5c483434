# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from collections.abc import Iterator
from time import time

import pytest

from gateway.plugins import tally as module
from gateway.plugins.tally import Tally

LATER = time() + 3600


@pytest.fixture
def memory() -> Iterator[int]:
    descriptor = os.memfd_create("test")
    yield descriptor
    os.close(descriptor)


def counted(tally: Tally, name: str, times: int, expires: float = LATER) -> int:
    cell = tally.cell(name, expires)
    for _ in range(times):
        cell.add()
    return cell.total()


def test_workers_see_each_others_counts(memory: int) -> None:
    workers = [Tally(memory, index, 3) for index in range(3)]
    assert [counted(worker, "a", 2) for worker in workers] == [2, 4, 6]
    assert [worker.cell("a", LATER).total() for worker in workers] == [6, 6, 6]
    assert counted(workers[1], "b", 1) == 1


def test_a_worker_in_the_place_of_a_killed_one_goes_on_from_its_counts(memory: int) -> None:
    first, other = Tally(memory, 0, 2), Tally(memory, 1, 2)
    counted(first, "a", 3)
    counted(other, "a", 4)
    assert counted(Tally(memory, 0, 2), "a", 1) == 8


def test_a_name_that_is_asked_for_twice_is_one_count() -> None:
    tally = Tally()
    one, two = tally.cell("a", LATER), tally.cell("a", LATER)
    one.add()
    two.add()
    assert one.total() == two.total() == 2


def test_a_count_that_nobody_holds_goes_on_when_it_is_asked_for_again() -> None:
    tally = Tally()
    counted(tally, "a", 5)
    assert counted(tally, "a", 1) == 6


def test_counts_whose_time_is_over_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SLOTS", 1)
    tally = Tally()
    old = [tally.cell(str(number), 0.0) for number in range(8)]
    assert counted(tally, "new", 2) == 2
    assert counted(tally, "new", 1) == 3
    assert len(old) == 8


def test_where_a_table_is_full_a_worker_counts_for_itself(
    memory: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SLOTS", 1)
    first, other = Tally(memory, 0, 2), Tally(memory, 1, 2)
    kept = [first.cell(str(number), LATER) for number in range(8)]
    assert counted(first, "more", 3) == 3
    assert counted(other, "more", 1) == 1
    assert len(kept) == 8
