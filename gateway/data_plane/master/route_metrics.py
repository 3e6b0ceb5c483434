# SPDX-License-Identifier: Apache-2.0
"""The metrics of requests that the plugin ``prometheus`` counts, under Kong's names and labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.data_plane.master.exposition import Exposition, Series, labels
from gateway.plugins.request_metrics import GATEWAY_BOUNDS, SEPARATOR, WAIT_BOUNDS

Reports = Sequence[tuple[str, str, Mapping[str, Any]]]
"""Key of a route, its labels, and what was counted of it."""
_TIMES = (
    ("kong_request_latency_ms", "elapsed", WAIT_BOUNDS, "from a request's head to its response"),
    ("kong_kong_latency_ms", "gateway", GATEWAY_BOUNDS, "that the gateway took itself"),
    ("kong_upstream_latency_ms", "upstream", WAIT_BOUNDS, "waited for the upstream or for Kafka"),
)


def add_routes(
    text: Exposition,
    counted: Mapping[str, Any],
    exemplars: Mapping[str, Mapping[int, Sequence[object]]],
) -> None:
    """Add what there is: each use of the plugin says what it counts."""
    found = []
    for key, report in sorted(counted.items()):
        service, _, route = key.partition(SEPARATOR)
        found.append((key, labels(service=service, route=route), report))
    text.family(
        "kong_http_requests_total",
        "counter",
        "HTTP requests by service, route, status code, source of the response and consumer.",
        _codes(found),
    )
    text.family(
        "kong_bandwidth_bytes",
        "counter",
        "Bytes received from (ingress) and sent to clients (egress), heads included.",
        _bytes(found),
    )
    for name, member, bounds, about in _TIMES:
        text.histograms(
            name,
            f"Milliseconds {about}.",
            bounds,
            [
                Series(
                    f'{where},workspace="default"',
                    report[member]["counts"],
                    report[member]["sum"],
                    exemplars.get(key, {}) if member == "elapsed" else {},
                )
                for key, where, report in found
                if member in report
            ],
        )


def _codes(found: Reports) -> Iterator[tuple[str, float]]:
    for _, where, report in found:
        for name, caller in sorted(report["callers"].items()):
            who = labels(workspace="default", consumer=name)
            for code, number in sorted(caller["codes"].items()):
                source = "service" if code.startswith("-") else "kong"
                answer = labels(code=code.lstrip("-"), source=source)
                yield f"{where},{answer},{who}", number


def _bytes(found: Reports) -> Iterator[tuple[str, float]]:
    for _, where, report in found:
        for name, caller in sorted(report["callers"].items()):
            if not caller["ingress"]:
                continue
            who = labels(workspace="default", consumer=name)
            for direction in ("egress", "ingress"):
                yield f'{where},direction="{direction}",{who}', caller[direction]
