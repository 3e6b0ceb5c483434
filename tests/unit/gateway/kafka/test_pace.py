# SPDX-License-Identifier: Apache-2.0
"""Small batches wait two milliseconds for company, where there was some."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.kafka.pace import SMALL, Pace

_SIZES = st.lists(st.integers(1, 100), max_size=30)


def after(*sizes: int) -> Pace:
    pace = Pace()
    for size in sizes:
        pace.went(size, 100.0)
    return pace


def test_the_first_record_of_all_waits_for_nothing() -> None:
    assert Pace().pause(1, 100.0) <= 0


def test_a_caller_that_is_alone_never_waits() -> None:
    assert after(*[1] * 20).pause(1, 100.0) <= 0


def test_where_several_came_together_the_next_ones_wait_for_each_other() -> None:
    pace = after(3)
    assert pace.expected == 3
    assert 0.0019 < pace.pause(1, 100.0) <= 0.002
    assert 0.0009 < pace.pause(2, 100.001) <= 0.001
    assert pace.pause(2, 100.002) <= 0


def test_nobody_waits_once_as_many_are_there_as_came_lately() -> None:
    assert after(5, 2).pause(5, 100.0) <= 0
    assert after(5, 2).pause(4, 100.0) > 0


def test_large_batches_wait_for_nothing() -> None:
    assert after(SMALL + 1).pause(1, 100.0) <= 0
    assert after(SMALL).pause(1, 100.0) > 0


def test_company_is_forgotten_after_eight_batches_without() -> None:
    assert after(5, *[1] * 7).pause(1, 100.0) > 0
    assert after(5, *[1] * 8).pause(1, 100.0) <= 0


@given(_SIZES, st.integers(0, 100), st.floats(0, 10))
def test_no_batch_waits_longer_than_two_milliseconds_after_the_one_before(
    sizes: list[int], staged: int, later: float
) -> None:
    pace = after(*sizes)
    assert pace.pause(staged, 100.0 + later) <= max(0.0, 0.0021 - later)
    assert pace.expected == 0 or 1 < pace.expected <= SMALL
    assert staged < pace.expected or pace.pause(staged, 100.0 + later) == 0
