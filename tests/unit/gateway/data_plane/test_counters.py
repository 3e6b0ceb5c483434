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


@pytest.mark.parametrize("statuses", [[200, 200, 503, 200], [503, 200, 200], [404]])
@pytest.mark.parametrize("milliseconds", [[0.5], [0.5, 30, 0.5, 1.0], [20_000, 0.1]])
def test_it_counts_the_same_whichever_status_and_time_come_first(
    statuses: list[int], milliseconds: list[float]
) -> None:
    counters = Counters()
    request = request_of()
    for status in statuses:
        for took in milliseconds:
            request.received, request.ended = 10.0, 10.0 + took / 1000
            counters.of("s", "r").count(request, Response(status, []), 300)
            request.upstream_ms = 7
            upstream = Response(status, [], generated=False)
            counters.of("s", "r").count(request, upstream, 100)
    report = counters.report()[f"s{SEPARATOR}r"]
    each = {status: statuses.count(status) * len(milliseconds) for status in statuses}
    expected = {str(sign * status): number for status, number in each.items() for sign in (1, -1)}
    assert report["codes"] == expected
    number = sum(each.values())
    assert sum(report["latency"]) == 2 * number
    # A thousandth of 0.03 may be a little more than 30 ms in floats.
    slow = sum(took > 25 for took in milliseconds)
    assert sum(report["latency"][5:]) == 2 * slow * len(statuses)
    assert sum(report["upstream"]) == number
    assert report["elapsed"] == pytest.approx(2 * sum(milliseconds) * len(statuses))
    assert report["sent"] == 400 * number


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
