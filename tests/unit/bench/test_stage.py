# SPDX-License-Identifier: Apache-2.0
"""When a broker is warm."""

from __future__ import annotations

import pytest

from bench.stage import is_steady


@pytest.mark.parametrize(
    "reached",
    [[100.0, 100.0, 101.0, 99.0], [10.0, 60.0, 80.0, 81.0, 82.0], [80.0, 81.0, 60.0, 50.0]],
)
def test_a_broker_whose_throughput_no_longer_rises_is_warm(reached: list[float]) -> None:
    assert is_steady(reached)


@pytest.mark.parametrize("reached", [[], [100.0] * 3, [10.0, 20.0, 40.0, 80.0], [70, 80, 80, 83]])
def test_a_broker_that_still_gets_faster_or_was_hardly_asked_is_not(reached: list[float]) -> None:
    assert not is_steady(reached)
