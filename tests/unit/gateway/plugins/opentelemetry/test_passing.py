# SPDX-License-Identifier: Apache-2.0
"""What ``test_handler`` does not hold against the long way: the twin, and what a trace says."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway import native
from gateway.plugins.opentelemetry.passing import PassingTrace, number_of, passing_trace
from tests.unit.gateway.test_native import needs_twins

ID, OTHER, SPAN = b"4bf92f3577b34da6a3ce929d0e0e4736", b"0f" * 16, b"00f067aa0ba902b7"
_hex = st.sampled_from([ID, OTHER, b"0" * 32, b"0" * 31 + b"1"])
_values = st.builds(
    b"-".join,
    st.tuples(
        st.sampled_from([b"00", b"00", b"01"]),
        _hex | st.sampled_from([ID.upper(), ID[1:], b"g" * 32]),
        st.sampled_from([SPAN, b"0" * 16, b"F" * 16]),
        st.sampled_from([b"00", b"01", b"02", b"03", b"0a", b"ff", b"0", b"0A", b"01-x"]),
    ),
) | st.binary(max_size=60)
_names = st.sampled_from(
    [b"traceparent", b"host", b"traceparent", b"tracestate", b"b3", b"x-amzn-trace-id", b"x-a", b""]
)
_sets = st.frozensets(st.sampled_from([b"tracestate", b"b3", b"x-amzn-trace-id", b"traceparent"]))


@needs_twins
@settings(max_examples=1000, deadline=None)
@given(
    st.lists(st.tuples(_names, _values), max_size=5),
    _sets,
    _sets,
    _hex,
    st.booleans(),
    st.none() | st.sampled_from([0, 1, number_of(ID) - 1, number_of(ID), 2**64 - 1]),
)
@example([(b"traceparent", b"00-%b-%b-00" % (ID, SPAN))], frozenset(), frozenset(), ID, True, None)
def test_the_twin_does_what_the_reference_does(
    headers: Any, before: Any, behind: Any, number: bytes, follows: bool, last: int | None
) -> None:
    given = headers, before, behind, number, b"0123456789abcdef" * 2, follows, last
    came = list(headers)
    assert native.passing_trace(*given) == passing_trace(*given)
    assert headers == came, "it is a list of the request's"


def test_a_trace_says_what_goes_on() -> None:
    passing = passing_trace([], frozenset(), frozenset(), ID, SPAN * 2, True, None)
    assert passing is not None
    trace = PassingTrace()
    trace.alone = passing[1]
    assert (trace.number, trace.span, trace.id) == (ID, SPAN, ID.decode())
    assert trace.on_record([]) == [("traceparent", b"00-%b-%b-00" % (ID, SPAN))]
    chosen = [("TraceParent", b"mine")]
    assert trace.on_record(chosen) == chosen
    assert trace.on_record([("k", b"v")]) == [("k", b"v"), *trace.alone]
