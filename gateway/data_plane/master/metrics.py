# SPDX-License-Identifier: Apache-2.0
"""The metrics of a node: what its workers counted, summed, and what the master knows.

What Kong's prometheus plugin has too has its names and labels, so that its dashboards and alerts
work; what Kong does not have begins with ``kafka_gateway_``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.data_plane.counters import BUCKETS, summed
from gateway.data_plane.master.exposition import Exposition, Series, labels
from gateway.data_plane.master.kafka_metrics import add_kafka
from gateway.data_plane.master.log_metrics import add_logs
from gateway.data_plane.master.route_metrics import add_routes
from gateway.data_plane.master.upstream_metrics import TargetHealth, add_upstreams


@dataclass(frozen=True)
class NodeFigures:
    """What the master itself knows. Times in seconds, memory in bytes."""

    hash: str
    age: float | None
    """Since the switch to the configuration in force; None without one."""
    workers: int
    ready: int
    restarts: int
    connected: bool | None
    """Whether the control plane is connected; None without one."""
    hung: int = 0
    """Workers that were ended because they did not respond."""
    draining: bool = False
    """The node stops, or was asked to report itself not ready."""
    memory: Mapping[str, int] = field(default_factory=dict)
    """By process: ``master``, ``0``, ``1``, …"""
    version: str = ""
    node_id: str = ""
    certificate_expires: float | None = None
    """When the certificate for the control plane does, in seconds since 1970."""
    targets: Sequence[TargetHealth] = ()
    """How the targets of upstreams are, where the plugin ``prometheus`` has it shown."""


def render(
    reports: Iterable[Mapping[str, Any]], node: NodeFigures, *, openmetrics: bool = False
) -> bytes:
    """Return the whole text."""
    found = list(reports)
    total = summed(found)
    counters, gauges = total.get("counters", {}), total.get("gauges", {})
    text = Exposition(openmetrics=openmetrics)
    add_routes(text, counters.get("requests", {}), _latest(found))
    _add_responses(text, counters.get("routes", {}).values())
    _add_connections(text, counters, gauges, node)
    add_kafka(text, counters.get("kafka", {}), gauges)
    add_logs(text, counters.get("logs", {}))
    add_upstreams(text, node.targets)
    _add_node(text, node)
    _add_link(text, node)
    return text.text()


def _latest(reports: Iterable[Mapping[str, Any]]) -> dict[str, dict[int, list[Any]]]:
    """Return the newest exemplar of each bucket, by route."""
    latest: dict[str, dict[int, list[Any]]] = {}
    for report in reports:
        for key, buckets in report.get("exemplars", {}).items():
            places = latest.setdefault(key, {})
            for place, found in buckets.items():
                before = places.get(int(place))
                if before is None or before[2] < found[2]:
                    places[int(place)] = found
    return latest


def _add_responses(text: Exposition, routes: Iterable[Mapping[str, Any]]) -> None:
    """Add what is counted without any plugin, over all routes."""
    codes: dict[str, int] = {}
    times, elapsed = [0] * (len(BUCKETS) + 1), 0.0
    for route in routes:
        for code, number in route["codes"].items():
            codes[code] = codes.get(code, 0) + number
        times = [one + other for one, other in zip(times, route["latency"], strict=True)]
        elapsed += route["elapsed"]
    text.family(
        "kafka_gateway_responses_total",
        "counter",
        "Responses of all routes, and of none, by status code and whose they are.",
        [
            (labels(code=code.lstrip("-"), source=source_of(code)), number)
            for code, number in sorted(codes.items())
        ],
    )
    text.histograms(
        "kafka_gateway_response_latency_ms",
        "Milliseconds from a request's head to its response, over all routes.",
        BUCKETS,
        [Series("", times, elapsed)] if codes else [],
    )


def source_of(code: str) -> str:
    """Return whose a response is, given its code in a report."""
    return "service" if code.startswith("-") else "kong"


def _add_connections(
    text: Exposition, counters: Mapping[str, Any], gauges: Mapping[str, Any], node: NodeFigures
) -> None:
    accepted, refused = counters.get("accepted", 0), counters.get("refused", 0)
    active = gauges.get("active", 0)
    requests = sum(sum(one["codes"].values()) for one in counters.get("routes", {}).values())
    where = {"node_id": node.node_id, "subsystem": "http"}
    states = {"accepted": accepted, "handled": accepted - refused, "active": active}
    states |= {"total": requests, "reading": 0, "writing": 0, "waiting": active}
    text.family(
        "kong_nginx_connections_total",
        "gauge",
        "Client connections by state.",
        [(labels(**where, state=state), number) for state, number in states.items()],
    )
    name = "kong_nginx_requests_total"
    text.family(name, "gauge", "Requests responded to.", [(labels(**where), requests)])
    text.one(
        "kafka_gateway_access_log_dropped_total",
        "counter",
        "Lines of the access log that were not written because writing did not keep up.",
        counters.get("log_dropped", 0),
    )


def _add_node(text: Exposition, node: NodeFigures) -> None:
    known = labels(node_id=node.node_id, version=node.version)
    text.family("kong_node_info", "gauge", "The node and its version.", [(known, 1)])
    text.one("kong_datastore_reachable", "gauge", "A data plane needs no datastore.", 1)
    text.one("kong_nginx_metric_errors_total", "counter", "Metrics that were not counted.", 0)
    version = labels(version=node.version)
    text.family("kafka_gateway_info", "gauge", "The version that runs.", [(version, 1)])
    text.family(
        "kafka_gateway_configuration_info",
        "gauge",
        "The hash of the configuration in force; zeros without one.",
        [(labels(hash=node.hash), 1)],
    )
    if node.age is not None:
        about = "Seconds since the configuration in force was switched to."
        text.one("kafka_gateway_configuration_age_seconds", "gauge", about, round(node.age, 3))
    for name, kind, about, value in (
        ("workers", "gauge", "Workers there are to be.", node.workers),
        ("workers_ready", "gauge", "Workers that serve.", node.ready),
        ("draining", "gauge", "Whether the node was asked to drain or stops.", int(node.draining)),
        ("worker_restarts_total", "counter", "Workers that ended and came back.", node.restarts),
        ("worker_hangs_total", "counter", "Workers ended for not responding.", node.hung),
    ):
        text.one(f"kafka_gateway_{name}", kind, about, value)
    text.family(
        "kafka_gateway_resident_memory_bytes",
        "gauge",
        "Resident memory by process.",
        [(labels(process=name), size) for name, size in node.memory.items()],
    )
    workers = {name: size for name, size in node.memory.items() if name != "master"}
    text.family(
        "kong_memory_workers_lua_vms_bytes",
        "gauge",
        "Resident memory by worker: its number stands where Kong has a process id.",
        [
            (labels(node_id=node.node_id, pid=name, kong_subsystem="http"), size)
            for name, size in workers.items()
        ],
    )


def _add_link(text: Exposition, node: NodeFigures) -> None:
    """Add what there is to say of the connection to a control plane."""
    if node.connected is not None:
        about = "Whether the control plane is connected."
        for prefix in ("kong", "kafka_gateway"):
            name = f"{prefix}_control_plane_connected"
            text.one(name, "gauge", about, int(node.connected))
    if node.certificate_expires is not None:
        text.one(
            "kong_data_plane_cluster_cert_expiry_timestamp",
            "gauge",
            "When the certificate for the control plane expires, in seconds since 1970.",
            int(node.certificate_expires),
        )
