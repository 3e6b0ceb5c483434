# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from gateway.data_plane.counters import BUCKETS
from gateway.data_plane.master.metrics import NodeFigures, render
from gateway.plugins.request_metrics import SEPARATOR, WAIT_BOUNDS

NODE = NodeFigures(
    hash="a" * 32,
    age=1.5,
    workers=2,
    ready=1,
    restarts=3,
    connected=True,
    memory={"master": 10, "0": 20},
    version="1.2.3",
    node_id="n",
    certificate_expires=1800000000.9,
)
Labels = tuple[tuple[str, str], ...]


def report(codes: dict[str, int], **more: Any) -> dict[str, Any]:
    latency = [0] * (len(BUCKETS) + 1)
    latency[2] = sum(codes.values())
    route = {"codes": codes, "latency": latency, "elapsed": 4.5, "sent": 100}
    route |= {"upstream": [0] * (len(BUCKETS) + 1), "waited": 0.0}
    return {
        "counters": {
            "routes": {f"s{SEPARATOR}r": route},
            "accepted": 7,
            "refused": 1,
            "log_dropped": 0,
            "kafka": {"records": 5, "failures": {}, "refusals": {"buffer_full": 2}},
            **more,
        },
        "gauges": {
            "active": 2,
            "kafka": {"messages": 3, "bytes": 30},
            "producers": {f"k:9092{SEPARATOR}up": 1},
        },
    }


def counted(route: str = "r") -> dict[str, Any]:
    elapsed = [0] * (len(WAIT_BOUNDS) + 1)
    elapsed[0] = 1
    callers = {"": {"codes": {"200": 1}, "ingress": 0, "egress": 0}}
    return {f"s{SEPARATOR}{route}": {"callers": callers, "elapsed": {"counts": elapsed, "sum": 3}}}


def samples(text: bytes) -> dict[tuple[str, Labels], float]:
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
    found = samples(render([report({"200": 3}), report({"200": 4, "-404": 1})], NODE))
    name = "kafka_gateway_responses_total"
    assert found[name, (("code", "200"), ("source", "kong"))] == 7
    assert found[name, (("code", "404"), ("source", "service"))] == 1
    assert found["kafka_gateway_response_latency_ms_count", ()] == 8
    assert found["kafka_gateway_response_latency_ms_sum", ()] == 9
    assert found["kafka_gateway_buffer_messages", ()] == 6
    where = (("node_id", "n"), ("subsystem", "http"))
    assert found["kong_nginx_requests_total", where] == 8
    assert (
        found["kong_nginx_connections_total", tuple(sorted((*where, ("state", "handled"))))] == 12
    )


def test_requests_of_routes_are_shown_only_where_the_plugin_counts_them() -> None:
    # Kong's 26-prometheus/07-optional_fields_spec.lua.
    assert b"kong_http_requests_total" not in render([report({"200": 3})], NODE)
    text = render([report({"200": 3}, requests=counted()), report({}, requests=counted())], NODE)
    labels = {"service": "s", "route": "r", "workspace": "default", "consumer": ""}
    ok = tuple(sorted({**labels, "code": "200", "source": "kong"}.items()))
    assert samples(text)["kong_http_requests_total", ok] == 2


def test_ended_workers_count_with_what_they_reported_last() -> None:
    ended = {"counters": report({"200": 3})["counters"]}
    found = samples(render([ended, report({"200": 1})], NODE))
    assert found["kafka_gateway_responses_total", (("code", "200"), ("source", "kong"))] == 4
    assert found["kafka_gateway_buffer_messages", ()] == 3


def test_the_newest_exemplar_of_all_workers_is_shown() -> None:
    key = f"s{SEPARATOR}r"
    old, new = (
        {**report({}, requests=counted()), "exemplars": {key: {"0": [trace * 32, 3.0, at]}}}
        for trace, at in (("a", 1.0), ("b", 2.0))
    )
    text = render([new, old], NODE, openmetrics=True).decode()
    parse: Any = openmetrics.text_string_to_metric_families
    exemplars = [s.exemplar.labels for f in parse(text) for s in f.samples if s.exemplar]
    assert exemplars == [{"trace_id": "b" * 32}]


@pytest.mark.parametrize("modern", [False, True])
def test_no_family_comes_twice(modern: bool) -> None:
    topics = {
        "t": {"records": 1, "bytes": 2, "failures": {"X": 1}, "latency": [1] * 15, "waited": 1.0}
    }
    kafka = {"topics": topics, "refusals": {"buffer_full": 2}}
    found = report({"200": 1}, requests=counted(), kafka=kafka)
    text = render([found], NODE, openmetrics=modern).decode()
    names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(names) == len(set(names))


def test_the_node_tells_of_itself() -> None:
    found = samples(render([], NODE))
    assert found["kafka_gateway_configuration_info", (("hash", "a" * 32),)] == 1
    assert found["kafka_gateway_configuration_age_seconds", ()] == 1.5
    assert found["kafka_gateway_workers_ready", ()] == 1
    assert found["kafka_gateway_worker_restarts_total", ()] == 3
    assert found["kafka_gateway_control_plane_connected", ()] == 1
    assert found["kong_control_plane_connected", ()] == 1
    assert found["kong_node_info", (("node_id", "n"), ("version", "1.2.3"))] == 1
    assert found["kong_data_plane_cluster_cert_expiry_timestamp", ()] == 1800000000
    assert found["kafka_gateway_resident_memory_bytes", (("process", "0"),)] == 20
