# SPDX-License-Identifier: Apache-2.0
"""Small batches wait two milliseconds for company, where there is some."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.kafka.pace import SMALL, Pace

_BATCHES = st.lists(st.tuples(st.integers(1, 100), st.integers(0, 100)), max_size=30)


def after(records: int, meanwhile: int = 0) -> Pace:
    """Return the pace after a batch that went at 100 s and is reported."""
    pace = Pace()
    pace.went(100.0)
    pace.reported(records, meanwhile)
    return pace


def test_the_first_record_of_all_waits_for_nothing() -> None:
    assert Pace().pause(1, 100.0) <= 0


def test_a_caller_that_is_alone_never_waits() -> None:
    assert after(1).pause(1, 100.0) <= 0


def test_where_several_came_together_the_next_ones_wait_for_each_other() -> None:
    pace = after(3)
    assert pace.expected == 3
    assert 0.0019 < pace.pause(1, 100.0) <= 0.002
    assert 0.0009 < pace.pause(2, 100.001) <= 0.001
    assert pace.pause(2, 100.002) <= 0


def test_nobody_waits_once_all_that_are_around_have_come() -> None:
    assert after(5).pause(5, 100.0) <= 0
    assert after(5).pause(4, 100.0) > 0


def test_who_came_while_others_were_in_flight_waits_for_those_too() -> None:
    assert after(2, meanwhile=3).pause(4, 100.0) > 0
    assert after(2, meanwhile=3).pause(5, 100.0) <= 0


def test_large_batches_wait_for_nothing() -> None:
    assert after(SMALL + 1).pause(1, 100.0) <= 0
    assert after(SMALL, meanwhile=1).pause(1, 100.0) <= 0
    assert after(SMALL).pause(1, 100.0) > 0


@given(_BATCHES, st.integers(0, 100), st.floats(0, 10))
def test_no_batch_waits_longer_than_two_milliseconds_after_the_one_before(
    batches: list[tuple[int, int]], staged: int, later: float
) -> None:
    pace = Pace()
    for records, meanwhile in batches:
        pace.went(100.0)
        pace.reported(records, meanwhile)
    assert pace.pause(staged, 100.0 + later) <= max(0.0, 0.0021 - later)
    assert pace.expected == 0 or 1 < pace.expected <= SMALL
    assert staged < pace.expected or pace.pause(staged, 100.0 + later) == 0
