# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.control_plane.page import words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"), (59, "59 s"), (89, "89 s"), (90, "1 min"), (600, "10 min"), (7199, "119 min"),
        (7200, "2 h"), (172799, "47 h"), (172800, "2 d"), (-5, "0 s"),
    ],
)  # fmt: skip
def test_a_length_of_time_is_told_in_one_unit(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


def test_a_moment_is_told_from_now_in_either_direction() -> None:
    assert words.ago(100, lambda: 145) == "45 s ago"
    assert words.ago(100 + 86400 * 12, lambda: 100) == "in 12 d"
    assert words.moment(0) == "1970-01-01T00:00:00Z"
    assert words.moment_text(86400) == "1970-01-02 00:00:00 UTC"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "\N{EN DASH}"),
        (0, "0"),
        (0.4, "0.4"),
        (37, "37"),
        (999, "999"),
        (1234, "1.23k"),
        (5e6, "5M"),
    ],
)
def test_a_figure_is_short(value: float | None, text: str) -> None:
    assert words.figure(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "\N{EN DASH}"),
        (0.83, "0.83 ms"),
        (12.34, "12.3 ms"),
        (250, "250 ms"),
        (1500, "1.5 s"),
    ],
)
def test_a_latency_has_its_unit(value: float | None, text: str) -> None:
    assert words.milliseconds(value) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0"), (0.00001, "<0.01"), (0.00094, "0.094"), (0.0222, "2.2"), (0.5, "50"), (1, "100")],
)
def test_a_share_is_told_in_percent(share: float, text: str) -> None:
    assert words.percent(share) == text


@pytest.mark.parametrize("at", [2.0**62, -(2.0**62), 253_402_300_800, -30_610_224_001])
def test_a_time_that_no_calendar_has_is_told_as_the_next_there_is(at: float) -> None:
    """Whoever produces a record gives it any time, and the topic's page is still shown."""
    assert words.moment(at) in ("9999-12-31T23:59:59Z", "1000-01-01T00:00:00Z")
    assert words.moment_text(at).endswith(" UTC")
    assert words.ago(at)
