# SPDX-License-Identifier: Apache-2.0
"""Windows that slide, and when one more may pass."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.plugins.limiting.sliding import Window, judge
from gateway.plugins.shared_counters import SharedCounters


def window(size: float = 60, limit: float = 10, *, slides: bool = True) -> Window:
    return Window("n", size, limit, SharedCounters(), slides=slides)


def test_the_previous_window_counts_as_far_as_it_reaches() -> None:
    found = window()
    assert found.room(0, 10, 600.0) == 0
    assert found.room(0, 10, 630.0) == 5
    assert found.room(2, 10, 645.0) == 5.5
    assert window(slides=False).room(2, 10, 600.0) == 8


def test_the_counts_of_a_node_are_there_for_two_windows() -> None:
    found = window()
    found.counters("a", 600.0)[0].add(3)
    assert [counter.total() for counter in found.counters("a", 659.9)] == [3, 0]
    assert [counter.total() for counter in found.counters("a", 660.0)] == [0, 3]
    found.counters("a", 660.0)[0].add(1)
    assert [counter.total() for counter in found.counters("a", 719.0)] == [1, 3]
    assert [counter.total() for counter in found.counters("a", 720.0)] == [0, 1]
    assert [counter.total() for counter in found.counters("a", 840.0)] == [0, 0]


def test_names_of_known_sizes_are_kongs() -> None:
    names = [window(size).title for size in (1, 60, 3600, 86400, 2592000, 31536000, 90, 0.5)]
    assert names == [b"Second", b"Minute", b"Hour", b"Day", b"Month", b"Year", b"90", b"0.5"]


@settings(max_examples=50)
@given(
    st.integers(1, 50),
    st.integers(0, 80),
    st.integers(0, 80),
    st.floats(0, 59.9),
    st.booleans(),
)
def test_after_the_wait_one_more_passes_and_not_long_before(
    limit: int, current: int, previous: int, elapsed: float, slides: bool
) -> None:
    found, begin = window(limit=limit, slides=slides), 600.0
    now = begin + elapsed
    if found.room(current, previous, now) >= 1:
        return
    wait = found.opens(current, previous, now)

    def passes(then: float) -> bool:
        if then >= begin + 120:
            return found.room(0, 0, then) >= 1
        if then >= begin + 60:
            return found.room(0, current, then) >= 1 - 1e-6
        return found.room(current, previous, then) >= 1 - 1e-6

    assert passes(now + wait + 1e-3)
    if wait > 0.5:
        assert not passes(now + wait - 0.5)


def test_the_verdict_tells_what_each_window_leaves() -> None:
    windows = [window(1, 5), window(60, 5)]
    verdict = judge(windows, [1, 0, 1, 0], 600.0, counted=False)
    assert verdict == (True, [3, 3], 1, 60)
    verdict = judge(windows, [5, 0, 2, 0], 600.25, counted=False)
    assert (verdict.passes, verdict.left, verdict.tightest) == (False, [0, 3], 0)
    assert verdict.reset >= 1
