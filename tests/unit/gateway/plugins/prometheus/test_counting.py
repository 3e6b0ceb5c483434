# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gateway.http.messages import Request, Response
from gateway.plugins.prometheus.counting import RequestCounting
from gateway.plugins.request_metrics import RouteMetrics
from tests.support.requests import request_of


def served(metrics: RouteMetrics, **details: Any) -> Request:
    """Return a request of a route, received at 0 and responded to after 2 ms."""
    request = request_of()
    request.received, request.ended = 0.0, 0.002
    request.size, request.sent = 10, 20
    request.match = SimpleNamespace(data=SimpleNamespace(metrics=metrics))
    for name, value in details.items():
        setattr(request, name, value)
    return request


@pytest.mark.parametrize("on", range(3))
def test_what_is_switched_on_is_counted_and_nothing_else(on: int) -> None:
    metrics = RouteMetrics()
    codes, bandwidth, latency = (place == on for place in range(3))
    RequestCounting(codes, bandwidth, latency, False).count(served(metrics), Response(200, []))
    counts = metrics.everybody
    assert counts.codes == ({200: 1} if codes else {})
    assert (counts.ingress, counts.egress) == ((10, 20) if bandwidth else (0, 0))
    assert sum(metrics.elapsed.counts) == latency


def test_a_request_without_a_route_has_no_labels_and_is_not_counted() -> None:
    RequestCounting(True, True, True, True).count(request_of(), Response(404, []))


@pytest.mark.parametrize("by_consumer", [False, True])
def test_callers_are_told_apart_where_that_is_wanted(by_consumer: bool) -> None:
    metrics = RouteMetrics()
    request = served(metrics, consumer={"id": "1", "username": "ann"})
    RequestCounting(True, False, False, by_consumer).count(request, Response(200, []))
    found = {name: counts.codes for name, counts in metrics.callers.items() if counts.codes}
    assert found == {"ann" if by_consumer else "": {200: 1}}


@pytest.mark.parametrize(
    ("waiting_since", "ended", "own", "waited"),
    [(0.0005, 0.002, 0.5, 1.5), (0.5, 2.0, 500.0, 1500.0), (3.0, 2.0, 2000.0, 0.0)],
)
def test_what_is_waited_for_is_not_the_gateways_own_time(
    waiting_since: float, ended: float, own: float, waited: float
) -> None:
    metrics = RouteMetrics()
    request = served(metrics, waiting_since=waiting_since, ended=ended)
    RequestCounting(False, False, True, False).count(request, Response(200, []))
    quick = metrics.quick_own * 1000, (metrics.quick_elapsed - metrics.quick_own) * 1000
    found = metrics.gateway.sum + quick[0], metrics.upstream.sum + quick[1]
    assert found == pytest.approx((own, waited))
