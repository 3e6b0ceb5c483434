# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.plugins.opentelemetry.trace import Sampler, Trace

# Its first eight bytes as a little-endian number are 0.6496 of the largest.
NUMBER = b"4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.parametrize(
    ("rate", "sampled"), [(0.0, False), (0.6, False), (0.7, True), (1.0, True)]
)
def test_without_a_callers_decision_the_id_decides(rate: float, sampled: bool) -> None:
    for follows in (False, True):
        assert Sampler(rate, follows=follows).decides(NUMBER) is sampled


@pytest.mark.parametrize(
    ("rate", "caller", "follows", "sampled"),
    [
        (1.0, False, False, False),
        (1.0, False, True, False),
        (0.01, True, False, True),
        (0.0, True, False, False),
        (0.0, True, True, True),
    ],
)
def test_a_callers_decision_holds(rate: float, caller: bool, follows: bool, sampled: bool) -> None:
    assert Sampler(rate, follows=follows).decides(NUMBER, caller) is sampled


@given(st.binary(min_size=16, max_size=16), st.floats(0, 1))
@settings(max_examples=50)
def test_the_share_is_that_of_the_numbers_below_the_rate(number: bytes, rate: float) -> None:
    expected = rate >= 1 or int.from_bytes(number[:8], "little") < rate * 2**64
    sampler = Sampler(rate, follows=False)
    assert sampler.decides(number.hex().encode()) is expected


def test_a_record_has_the_context_once() -> None:
    trace = Trace(NUMBER, b"1" * 16, True)
    trace.injected = [(b"traceparent", b"00-a-b-01")]
    assert trace.on_record([("k", b"v")]) == [("k", b"v"), ("traceparent", b"00-a-b-01")]
    chosen = [("Traceparent", b"mine")]
    assert trace.on_record(chosen) == chosen
