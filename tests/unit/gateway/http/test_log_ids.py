# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from gateway.http.log_ids import named
from gateway.plugins.opentelemetry.passing import PassingTrace
from gateway.plugins.opentelemetry.trace import Trace
from tests.support.requests import request_of


def test_a_line_names_the_request_and_its_trace_and_the_span_where_it_is_recorded() -> None:
    request = request_of(b"/")
    own = {"request_id": request.id.decode()}
    assert named(request) == own
    value = b"00-" + b"1" * 32 + b"-" + b"2" * 16 + b"-00"
    request.trace = PassingTrace(value, ("w3c",))
    assert named(request) == {**own, "trace_id": "1" * 32}
    request.trace = trace = Trace(b"3" * 32, b"4" * 16, True)
    trace.root = b"5" * 16
    assert named(request) == {**own, "trace_id": "3" * 32, "span_id": "5" * 16}
