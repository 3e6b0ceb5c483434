# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.data_plane.counters import BUCKETS, Counters, total
from gateway.http.messages import Response
from gateway.plugins.request_metrics import SEPARATOR
from tests.support.requests import request_of


def test_a_response_is_counted_by_route_status_and_latency() -> None:
    counters = Counters()
    request = request_of()
    request.received, request.ended = 10.0, 10.03
    counters.of("s", "r").count(request, Response(200, []), 300)
    report = counters.report()[f"s{SEPARATOR}r"]
    assert report["codes"] == {"200": 1}
    assert report["latency"][BUCKETS.index(50)] == 1
    assert report["elapsed"] == pytest.approx(30)
    assert report["sent"] == 300
    assert not any(report["upstream"])


def test_responses_of_upstreams_are_counted_apart() -> None:
    counters = Counters()
    request = request_of()
    request.upstream_ms = 7
    counters.of("s", "r").count(request, Response(200, [], generated=False), 1)
    report = counters.report()[f"s{SEPARATOR}r"]
    assert report["codes"] == {"-200": 1}
    assert report["upstream"][BUCKETS.index(10)] == 1
    assert report["waited"] == 7


def test_a_route_keeps_its_counters_over_releases() -> None:
    counters = Counters()
    assert counters.of("s", "r") is counters.of("s", "r")


def test_routes_without_requests_are_left_out() -> None:
    counters = Counters()
    counters.of("s", "r")
    assert counters.report() == {}


def test_reports_are_added_up_item_by_item() -> None:
    one = {"a": {"x": 1}, "l": [1, 2], "n": 1}
    other = {"a": {"x": 2, "y": 3}, "l": [10, 20], "m": 5}
    assert total([one, other]) == {"a": {"x": 3, "y": 3}, "l": [11, 22], "n": 1, "m": 5}
    assert total([]) == {}
