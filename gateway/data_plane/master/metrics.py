# SPDX-License-Identifier: Apache-2.0
"""The Prometheus text of a node: what its workers counted, summed, and what the master knows.

Request metrics have the names and labels of Kong's prometheus plugin, so that its dashboards and
alerts work; what Kong does not have begins with ``kafka_gateway_``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.data_plane.counters import BUCKETS, SEPARATOR, total

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

Labels = Mapping[str, str]


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


def render(reports: Iterable[Mapping[str, Any]], node: NodeFigures) -> bytes:
    """Return the whole text."""
    summed = total(reports)
    lines: list[str] = []
    for text in (
        _requests(summed),
        _connections(summed),
        _kafka(summed),
        _logs(summed),
        _node(node),
    ):
        lines.extend(text)
    return ("\n".join(lines) + "\n").encode()


def _family(
    name: str, kind: str, text: str, samples: Iterable[tuple[Labels, float]]
) -> Iterator[str]:
    found = list(samples)
    if not found:
        return
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} {kind}"
    for labels, value in found:
        yield _sample(name, labels, value)


def _sample(name: str, labels: Labels, value: float) -> str:
    written = ",".join(f'{key}="{_escape(text)}"' for key, text in labels.items())
    return f"{name}{{{written}}} {value}" if written else f"{name} {value}"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _requests(summed: Mapping[str, Any]) -> Iterator[str]:
    routes = summed.get("counters", {}).get("routes", {})
    named = []
    for key, counted in sorted(routes.items()):
        service, _, route = key.partition(SEPARATOR)
        named.append(({"service": service, "route": route}, counted))
    yield from _family(
        "kong_http_requests_total",
        "counter",
        "HTTP requests by service, route, status code and source of the response.",
        (
            ({**labels, **_code(code), "workspace": "default", "consumer": ""}, number)
            for labels, counted in named
            for code, number in sorted(counted["codes"].items())
        ),
    )
    yield from _family(
        "kong_bandwidth_bytes",
        "counter",
        "Bytes of responses sent to clients, heads included.",
        (({**labels, "direction": "egress"}, counted["sent"]) for labels, counted in named),
    )
    text = "Milliseconds from the request's head to its response."
    yield from _histogram("kong_request_latency_ms", text, named, "latency", "elapsed")
    proxied = [(labels, counted) for labels, counted in named if any(counted["upstream"])]
    text = "Milliseconds waited for the upstream's response."
    yield from _histogram("kong_upstream_latency_ms", text, proxied, "upstream", "waited")


def _code(code: str) -> dict[str, str]:
    upstream = code.startswith("-")
    return {"code": code.lstrip("-"), "source": "service" if upstream else "exit"}


def _histogram(
    name: str, text: str, named: list[tuple[dict[str, str], Any]], counts: str, sums: str
) -> Iterator[str]:
    if not named:
        return
    yield f"# HELP {name} {text}"
    yield f"# TYPE {name} histogram"
    for labels, counted in named:
        below = 0
        for bound, number in zip((*BUCKETS, "+Inf"), counted[counts], strict=True):
            below += number
            yield _sample(f"{name}_bucket", {**labels, "le": str(bound)}, below)
        yield _sample(f"{name}_count", labels, below)
        yield _sample(f"{name}_sum", labels, round(counted[sums], 3))


def _connections(summed: Mapping[str, Any]) -> Iterator[str]:
    counters, gauges = summed.get("counters", {}), summed.get("gauges", {})
    accepted, refused = counters.get("accepted", 0), counters.get("refused", 0)
    states = {
        "accepted": accepted,
        "handled": accepted - refused,
        "active": gauges.get("active", 0),
    }
    yield from _family(
        "kong_nginx_connections_total",
        "gauge",
        "Client connections by state.",
        (({"state": state}, number) for state, number in states.items()),
    )
    yield from _family(
        "kafka_gateway_access_log_dropped_total",
        "counter",
        "Lines of the access log that were not written because writing did not keep up.",
        [({}, counters.get("log_dropped", 0))],
    )


def _kafka(summed: Mapping[str, Any]) -> Iterator[str]:
    counters = summed.get("counters", {}).get("kafka", {})
    gauges = summed.get("gauges", {})
    text = "Records that Kafka acknowledged."
    records: list[tuple[Labels, float]] = [({}, counters.get("records", 0))]
    yield from _family("kafka_gateway_records_total", "counter", text, records)
    for name, key, text in (
        ("delivery_failures", "failures", "Records taken and not written, by reason."),
        ("refusals", "refusals", "Records not taken, by reason."),
    ):
        samples = [({"reason": reason}, n) for reason, n in sorted(counters.get(key, {}).items())]
        yield from _family(f"kafka_gateway_{name}_total", "counter", text, samples)
    for name, text in (
        ("messages", "Records buffered or on their way."),
        ("bytes", "Bytes of records buffered or on their way."),
    ):
        value = gauges.get("kafka", {}).get(name, 0)
        yield from _family(f"kafka_gateway_buffer_{name}", "gauge", text, [({}, value)])
    states = []
    for key, number in sorted(gauges.get("producers", {}).items()):
        bootstrap, _, state = key.partition(SEPARATOR)
        states.append(({"bootstrap": bootstrap, "state": state}, number))
    text = "Producers by what they know of their brokers: up, down, unknown."
    yield from _family("kafka_gateway_producers", "gauge", text, states)


def _logs(summed: Mapping[str, Any]) -> Iterator[str]:
    logs = summed.get("counters", {}).get("logs", {})
    sent = logs.get("sent", {})
    yield from _family(
        "kafka_gateway_log_entries_total",
        "counter",
        "Log entries that their sinks have taken, by plugin.",
        (({"plugin": plugin}, number) for plugin, number in sorted(sent.items())),
    )
    yield from _family(
        "kafka_gateway_log_entries_dropped_total",
        "counter",
        "Log entries that no sink got, by plugin and reason.",
        (
            ({"plugin": plugin, "reason": reason}, number)
            for plugin, reasons in sorted(logs.get("dropped", {}).items())
            for reason, number in sorted(reasons.items())
        ),
    )


def _node(node: NodeFigures) -> Iterator[str]:
    yield from _family(
        "kafka_gateway_info", "gauge", "The version that runs.", [({"version": node.version}, 1)]
    )
    yield from _family(
        "kafka_gateway_configuration_info",
        "gauge",
        "The hash of the configuration in force; zeros without one.",
        [({"hash": node.hash}, 1)],
    )
    if node.age is not None:
        text = "Seconds since the configuration in force was switched to."
        name = "kafka_gateway_configuration_age_seconds"
        yield from _family(name, "gauge", text, [({}, round(node.age, 3))])
    for name, kind, text, value in (
        ("workers", "gauge", "Workers there are to be.", node.workers),
        ("workers_ready", "gauge", "Workers that serve.", node.ready),
        ("draining", "gauge", "Whether the node was asked to drain or stops.", int(node.draining)),
        ("worker_restarts_total", "counter", "Workers that ended and came back.", node.restarts),
        ("worker_hangs_total", "counter", "Workers ended for not responding.", node.hung),
    ):
        yield from _family(f"kafka_gateway_{name}", kind, text, [({}, value)])
    if node.connected is not None:
        text = "Whether the control plane is connected."
        name = "kafka_gateway_control_plane_connected"
        yield from _family(name, "gauge", text, [({}, int(node.connected))])
    yield from _family(
        "kafka_gateway_resident_memory_bytes",
        "gauge",
        "Resident memory by process.",
        (({"process": name}, size) for name, size in node.memory.items()),
    )
