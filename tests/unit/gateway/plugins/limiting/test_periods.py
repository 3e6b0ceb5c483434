# SPDX-License-Identifier: Apache-2.0
"""Windows of time: by length, or by the calendar in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.plugins.limiting.periods import Limit, window
from gateway.plugins.shared_counters import SharedCounters


def at(*date: int) -> float:
    return datetime(*date, tzinfo=UTC).timestamp()  # type: ignore[misc,arg-type]  # year, month, …


@pytest.mark.parametrize(
    ("period", "begin", "end"),
    [
        ("second", at(2024, 2, 29, 23, 59, 58), at(2024, 2, 29, 23, 59, 59)),
        ("hour", at(2024, 2, 29, 23), at(2024, 3, 1)),
        ("month", at(2024, 2, 1), at(2024, 3, 1)),
        ("year", at(2024, 1, 1), at(2025, 1, 1)),
    ],
)
def test_a_window_begins_and_ends(period: str, begin: float, end: float) -> None:
    assert window(period, at(2024, 2, 29, 23, 59, 58)) == (begin, end)


@given(st.sampled_from(["second", "minute", "hour", "day", "month", "year"]), st.floats(0, 4e9))
def test_a_time_is_in_its_window_which_begins_where_the_last_ended(period: str, now: float) -> None:
    begin, end = window(period, now)
    assert begin <= now < end
    assert window(period, end)[0] == end


def test_a_limit_counts_each_origin_of_a_window_apart() -> None:
    limit = Limit("scope", "minute", 5, SharedCounters())
    limit.counter("a", 60.0).add()
    assert limit.counter("a", 119.0).total() == 1
    assert limit.counter("b", 119.0).total() == limit.counter("a", 120.0).total() == 0
    assert limit.reset(120.0) == 60
