# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from gateway.data_plane.master.exposition import Exposition
from gateway.data_plane.master.route_metrics import add_routes
from gateway.http.messages import Response
from gateway.plugins.request_metrics import RequestMetrics, RouteMetrics


def shown(metrics: RequestMetrics) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    text = Exposition()
    add_routes(text, metrics.report(), {})
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text.text().decode())
        for sample in family.samples
    }


def key(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    where = {"service": "s", "route": "r", "workspace": "default"}
    return name, frozenset({**where, **labels}.items())


def responded(route: RouteMetrics, response: Response, consumer: str = "") -> None:
    codes = route.caller(consumer).codes
    status = response.status if response.generated else -response.status
    codes[status] = codes.get(status, 0) + 1


def test_requests_have_kongs_labels() -> None:
    metrics = RequestMetrics()
    route = metrics.of("s", "r")
    responded(route, Response(200, [], generated=False))
    responded(route, Response(401, []), "alice")
    name = "kong_http_requests_total"
    assert shown(metrics) == {
        key(name, code="200", source="service", consumer=""): 1,
        key(name, code="401", source="kong", consumer="alice"): 1,
    }


def test_bytes_have_a_direction() -> None:
    metrics = RequestMetrics()
    counts = metrics.of("s", "r").everybody
    counts.ingress, counts.egress = 10, 20
    name = "kong_bandwidth_bytes_total"  # as the parser calls kong_bandwidth_bytes
    assert shown(metrics) == {
        key(name, direction="ingress", consumer=""): 10,
        key(name, direction="egress", consumer=""): 20,
    }


def test_times_have_kongs_buckets_and_no_consumer() -> None:
    metrics = RequestMetrics()
    route = metrics.of("s", "r")
    route.elapsed.observe(90)
    route.gateway.observe(4)
    found = shown(metrics)
    assert found[key("kong_request_latency_ms_bucket", le="80")] == 0
    assert found[key("kong_request_latency_ms_bucket", le="100")] == 1
    assert found[key("kong_kong_latency_ms_bucket", le="5")] == 1
    assert found[key("kong_kong_latency_ms_sum")] == 4
    names: list[Any] = [name for name, _ in found]
    assert not any(name.startswith("kong_upstream_latency_ms") for name in names)
