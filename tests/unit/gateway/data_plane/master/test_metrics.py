# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from gateway.data_plane.counters import BUCKETS, SEPARATOR
from gateway.data_plane.master.metrics import NodeFigures, render

NODE = NodeFigures(
    hash="a" * 32,
    age=1.5,
    workers=2,
    ready=1,
    restarts=3,
    connected=True,
    memory={"master": 10, "0": 20},
    version="1.2.3",
)


def report(codes: dict[str, int], **more: Any) -> dict[str, Any]:
    latency = [0] * (len(BUCKETS) + 1)
    latency[2] = sum(codes.values())
    route = {"codes": codes, "latency": latency, "elapsed": 4.5, "sent": 100}
    route |= {"upstream": [0] * (len(BUCKETS) + 1), "waited": 0.0}
    kafka = {"records": 5, "failures": {"_MSG_TIMED_OUT": 1}, "refusals": {"buffer_full": 2}}
    return {
        "counters": {
            "routes": {f"s{SEPARATOR}r": {**route, **more}},
            "accepted": 7,
            "refused": 1,
            "log_dropped": 0,
            "kafka": kafka,
        },
        "gauges": {
            "active": 2,
            "kafka": {"messages": 3, "bytes": 30},
            "producers": {f"k:9092{SEPARATOR}up": 1},
        },
    }


def samples(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Read the text with Prometheus' own parser."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


def test_log_entries_are_counted_by_plugin_and_reason() -> None:
    one = report({})
    one["counters"]["logs"] = {
        "sent": {"file-log": 3},
        "dropped": {"http-log": {"queue_full": 1, "not_delivered": 2}},
    }
    found = samples(render([one, one, report({})], NODE))
    assert found["kafka_gateway_log_entries_total", (("plugin", "file-log"),)] == 6
    labels = (("plugin", "http-log"), ("reason", "not_delivered"))
    assert found["kafka_gateway_log_entries_dropped_total", labels] == 4


def test_workers_are_summed() -> None:
    found = samples(render([report({"200": 3}), report({"200": 4, "404": 1})], NODE))
    labels = {"service": "s", "route": "r", "workspace": "default", "consumer": ""}
    ok = tuple(sorted({**labels, "code": "200", "source": "exit"}.items()))
    assert found["kong_http_requests_total", ok] == 7
    assert found["kafka_gateway_records_total", ()] == 10
    assert found["kafka_gateway_buffer_messages", ()] == 6
    failed = (("reason", "_MSG_TIMED_OUT"),)
    assert found["kafka_gateway_delivery_failures_total", failed] == 2
    assert found["kafka_gateway_refusals_total", (("reason", "buffer_full"),)] == 4
    state = (("bootstrap", "k:9092"), ("state", "up"))
    assert found["kafka_gateway_producers", state] == 2


def test_histograms_are_cumulative() -> None:
    found = samples(render([report({"200": 3})], NODE))
    route = (("route", "r"), ("service", "s"))
    bucket = "kong_request_latency_ms_bucket"
    assert found[bucket, (("le", "2"), *route)] == 0
    assert found[bucket, (("le", "5"), *route)] == 3
    assert found[bucket, (("le", "+Inf"), *route)] == 3
    assert found["kong_request_latency_ms_count", route] == 3
    assert found["kong_request_latency_ms_sum", route] == 4.5


def test_upstream_latency_is_there_only_where_there_is_an_upstream() -> None:
    assert b"kong_upstream_latency" not in render([report({"200": 1})], NODE)
    waited = [0] * len(BUCKETS) + [1]
    text = render([report({"-200": 1}, upstream=waited, waited=9.0)], NODE)
    assert b"kong_upstream_latency_ms_sum" in text
    assert b'code="200",source="service"' in text


def test_the_node_tells_of_itself() -> None:
    found = samples(render([], NODE))
    assert found["kafka_gateway_configuration_info", (("hash", "a" * 32),)] == 1
    assert found["kafka_gateway_configuration_age_seconds", ()] == 1.5
    assert found["kafka_gateway_workers_ready", ()] == 1
    assert found["kafka_gateway_worker_restarts_total", ()] == 3
    assert found["kafka_gateway_control_plane_connected", ()] == 1
    assert found["kafka_gateway_resident_memory_bytes", (("process", "0"),)] == 20


def test_names_with_quotes_and_line_ends_stay_one_label() -> None:
    odd = report({"200": 1})
    routes = odd["counters"]["routes"]
    routes[f'a"b\\{SEPARATOR}c\nd'] = routes.pop(f"s{SEPARATOR}r")
    found = samples(render([odd], NODE))
    assert any(dict(labels).get("route") == "c\nd" for _, labels in found)
