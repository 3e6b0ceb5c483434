# SPDX-License-Identifier: Apache-2.0
"""What ``test_handler`` does not hold against the long way: the twin, and what a trace says."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway import native
from gateway.plugins.opentelemetry import passing
from gateway.plugins.opentelemetry.formats import HEADERS
from gateway.plugins.opentelemetry.passing import PassingTrace, traceparent_flags
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


@needs_twins
@settings(max_examples=1000)
@given(_values)
@example(b"00-%b-%b-00" % (ID, SPAN))
def test_the_twin_does_what_the_reference_does(content: bytes) -> None:
    found = native.traceparent_flags(content)
    assert (-1 if found is None else found) == traceparent_flags(content)


def test_the_names_of_all_formats_are_looked_up() -> None:
    firsts = {name[0] for names in HEADERS.values() for name in names}
    assert all(first == passing._B or first >= passing._FIRST for first in firsts)


def test_a_trace_says_what_goes_on() -> None:
    value = b"00-%b-%b-00" % (ID, SPAN)
    trace = PassingTrace(value, ())
    assert (trace.number, trace.span, trace.id) == (ID, SPAN, ID.decode())
    assert trace.on_record([]) == [("traceparent", value)]
    chosen = [("TraceParent", b"mine")]
    assert trace.on_record(chosen) == chosen
    assert trace.on_record([("k", b"v")]) == [("k", b"v"), ("traceparent", value)]
