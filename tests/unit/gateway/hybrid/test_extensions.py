# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ClusterError
from gateway.hybrid.extensions import TrafficReport, encode, read_report, type_of
from tests.support.reports import report, route, topic


def test_a_report_arrives_as_it_was_sent() -> None:
    sent = report(route("orders", 7, 1, 2), topic("orders", 4, 1), seconds=5.0)
    assert read_report(encode(sent)) == sent
    assert type_of(encode(sent)) == "kafka_gateway_report"


@given(st.binary(max_size=100) | st.just(b'{"type":7}') | st.just(b'["type"]') | st.just(b"{}"))
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
    ],
)
def test_one_that_cannot_be_read_is_refused(frame: bytes) -> None:
    with pytest.raises(ClusterError, match="cannot be read"):
        read_report(frame)


def test_one_on_more_than_a_node_has_is_refused() -> None:
    many = TrafficReport(1.0, "", 1, 1, 0, 0, [route("a", 1)] * 20_001, [])
    with pytest.raises(ClusterError, match="more than 20000"):
        read_report(encode(many))
