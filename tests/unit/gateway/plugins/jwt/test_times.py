# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.plugins.jwt.times import Times
from gateway.plugins.tokens.verified import ALWAYS


@pytest.mark.parametrize(
    ("verified", "longest", "claims", "wrong"),
    [
        ((), 0, {"exp": 1}, {}),
        (("exp",), 0, {"exp": 1}, {"exp": "token expired"}),
        (("exp",), 0, {"exp": 1000}, {"exp": "token expired"}),
        (("exp",), 0, {"exp": 1001}, {}),
        (("nbf",), 0, {"nbf": 1000}, {}),
        (("nbf",), 0, {"nbf": 1001}, {"nbf": "token not valid yet"}),
        (("nbf", "exp"), 0, {"nbf": 1005, "exp": 1010}, {"nbf": "token not valid yet"}),
        (
            ("nbf", "exp"),
            0,
            {"nbf": 1005, "exp": 1},
            {"exp": "token expired", "nbf": "token not valid yet"},
        ),
        (("exp", "nbf"), 0, {}, {"exp": "must be a number", "nbf": "must be a number"}),
        (("exp",), 300, {"exp": 1300}, {}),
        (("exp",), 300, {"exp": 1301}, {"exp": "exceeds maximum allowed expiration"}),
        (("exp",), 300, {"exp": 1e300}, {"exp": "exceeds maximum allowed expiration"}),
    ],
)
def test_times_are_verified_as_configured(
    verified: tuple[str, ...], longest: float, claims: dict[str, Any], wrong: dict[str, str]
) -> None:
    assert dict(Times(verified, longest).of(claims, 1000.5)[2]) == wrong


@pytest.mark.parametrize("value", ["999999999", True, None, [], {}])
def test_only_numbers_are_times(value: Any) -> None:
    wrong = Times(("exp",), 0).of({"exp": value}, 1000)[2]
    assert wrong == (("exp", "must be a number"),)


def test_what_is_not_verified_does_not_bound_a_token() -> None:
    assert Times((), 0).of({"exp": 1, "nbf": 5000}, 1000) == (-ALWAYS, ALWAYS, ())


@settings(max_examples=50)
@given(
    st.integers(900, 1200), st.integers(900, 1200), st.sampled_from([0, 50]), st.integers(900, 1200)
)
def test_a_token_is_good_in_its_span_and_only_there(
    exp: int, nbf: int, longest: int, later: int
) -> None:
    times = Times(("exp", "nbf"), longest)
    claims = {"exp": exp, "nbf": nbf}
    begins, ends, wrong = times.of(claims, 1000)
    if not wrong:
        assert begins <= 1000 < ends
        # What is kept for later tells the same as looking again.
        assert (begins <= later < ends) == (not times.of(claims, later)[2])
