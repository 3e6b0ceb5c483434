# SPDX-License-Identifier: Apache-2.0
"""The header lines that tell a client where it stands."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.plugins.limiting.periods import PERIODS, Limit
from gateway.plugins.limiting.standing import StandingLines
from gateway.plugins.shared_counters import SharedCounters


def limits(**by_period: float) -> list[Limit]:
    counters = SharedCounters()
    found = [Limit("s", period, limit, counters) for period, limit in by_period.items()]
    for limit in found:
        limit.key(0.0)
    return found


def test_the_tightest_stands_first_and_of_equal_ones_the_longest() -> None:
    lines = StandingLines(limits(second=5, minute=5), hidden=False)
    reset, text = lines.of([4, 4], 0.0)
    assert reset == 60
    assert text == (
        b"\r\nRateLimit-Limit: 5\r\nRateLimit-Remaining: 4\r\nRateLimit-Reset: 60"
        b"\r\nX-RateLimit-Limit-Second: 5\r\nX-RateLimit-Remaining-Second: 4"
        b"\r\nX-RateLimit-Limit-Minute: 5\r\nX-RateLimit-Remaining-Minute: 4"
    )


def test_fractions_are_written_as_kong_does() -> None:
    _, text = StandingLines(limits(second=1.5, minute=20), hidden=False).of([0.5, 19], 0.0)
    assert b"RateLimit-Limit: 1.5\r\nRateLimit-Remaining: 0.5" in text
    assert b"X-RateLimit-Limit-Minute: 20\r\nX-RateLimit-Remaining-Minute: 19" in text


def test_hidden_there_are_none() -> None:
    assert StandingLines(limits(second=5), hidden=True).of([4], 0.0) == (1, b"")


@given(
    st.sampled_from(PERIODS), st.integers(1, 10**9), st.integers(0, 10**9), st.integers(1, 10**8)
)
def test_the_template_of_a_second_gives_the_lines_of_an_only_limit(
    period: str, most: int, left: int, reset: int
) -> None:
    lines = StandingLines(limits(**{period: most}), hidden=False)
    template = lines.of_second(reset)
    assert template % (left, left) == lines.template % (most, left, reset, left)
