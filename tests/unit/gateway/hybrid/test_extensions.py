# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.errors import ClusterError
from gateway.hybrid.extensions import (
    RequestTrace,
    TracedRecord,
    TrafficReport,
    encode,
    read_report,
    read_trace,
    read_tried,
    type_of,
)
from tests.support.reports import report, route, topic


def test_a_report_arrives_as_it_was_sent() -> None:
    sent = report(route("orders", 7, 1, 2), topic("orders", 4, 1), seconds=5.0)
    assert read_report(encode(sent)) == sent
    assert type_of(encode(sent)) == "kafka_gateway_report"


@given(st.binary(max_size=100) | st.just(b'{"type":7}') | st.just(b'["type"]') | st.just(b"{}"))
@example(b'{"type":"\xff"}')
@example(b'{"more":' + b"[" * 50_000)
def test_what_is_no_message_has_no_type(frame: bytes) -> None:
    assert type_of(frame) == ""


@pytest.mark.parametrize(
    "frame",
    [
        b"{}",
        b'{"type":"kafka_gateway_report"}',
        encode(report()).replace(b'"routes":[]', b'"routes":[["a"]]'),
        encode(report()).replace(b'"routes":[]', b'"routes":[["a","b",1,2,"x",[]]]'),
        encode(report()).replace(b'"workers":2', b'"workers":"two"'),
        encode(report()).replace(b'"workers":2', b'"workers":-2'),
        encode(report()).replace(b'"buffered":0', b'"buffered":' + b"9" * 400),
        encode(report(route("a", 77))).replace(b"77,", b"9" * 400 + b",", 1),
        encode(report(topic("a", 77))).replace(b"77,", b"-77,", 1),
        encode(report()).replace(b'"routes":[]', b'"routes":[],"more":' + b"[" * 50_000),
        encode(report()).replace(b"0.1.0", b"\xff"),
    ],
)
def test_one_that_cannot_be_read_is_refused(frame: bytes) -> None:
    with pytest.raises(ClusterError, match="cannot be read"):
        read_report(frame)


def test_one_on_more_than_a_node_has_is_refused() -> None:
    many = TrafficReport(1.0, "", 1, 1, 0, 0, [route("a", 1)] * 20_001, [])
    with pytest.raises(ClusterError, match="more than 20000"):
        read_report(encode(many))


@pytest.mark.parametrize("read", [read_report, read_trace, read_tried])
@pytest.mark.parametrize("content", [b"[" * 50_000, b'"\xff"', b"1"])
def test_hostile_json_is_refused_in_words(read: Callable[[bytes], object], content: bytes) -> None:
    with pytest.raises(ClusterError, match="cannot be read"):
        read(b'{"type":"kafka_gateway_trace","id":' + content + b"}")


@pytest.mark.parametrize("field", ["status", "partition", "offset"])
@pytest.mark.parametrize("value", ["9" * 400, "-2"])
def test_a_trace_has_numbers_that_can_be_told(field: str, value: str) -> None:
    made = RequestTrace("a", status=777, records=[TracedRecord("t", 777, 777)])
    sent = encode(made).replace(f'"{field}":777'.encode(), f'"{field}":{value}'.encode())
    assert read_trace(encode(made)) == made
    with pytest.raises(ClusterError, match="cannot be read"):
        read_trace(sent)
