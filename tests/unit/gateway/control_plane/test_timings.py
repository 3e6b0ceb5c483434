# SPDX-License-Identifier: Apache-2.0
"""Times are counted in the bucket whose upper bound they reach at most."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.control_plane.timings import BOUNDS, Timings


@given(st.lists(st.floats(min_value=0, max_value=1000)))
def test_each_time_is_in_one_bucket_that_holds_it(times: list[float]) -> None:
    timings = Timings()
    for one in times:
        timings.add(one)
    assert sum(timings.counts) == len(times)
    assert timings.sum == pytest.approx(sum(times))
    for place, bound in enumerate(BOUNDS):
        assert sum(timings.counts[: place + 1]) == sum(one <= bound for one in times)


def test_what_fails_took_its_time_too() -> None:
    timings = Timings()
    with pytest.raises(ValueError, match="no"), timings.measured():
        raise ValueError("no")
    assert sum(timings.counts) == 1
