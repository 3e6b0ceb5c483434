# SPDX-License-Identifier: Apache-2.0
"""Reports on traffic as a data plane sends them."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from gateway.control_plane.traffic import Traffic
from gateway.data_plane.counters import BUCKETS
from gateway.hybrid.extensions import RouteTraffic, TopicTraffic, TrafficReport, encode
from gateway.kafka.topic_counts import BOUNDS


def latency(bounds: tuple[int, ...], **counts: int) -> list[int]:
    """Return a histogram: ``_5=3`` counts three in the bucket up to 5."""
    found = {int(name.strip("_")): number for name, number in counts.items()}
    return [found.get(bound, 0) for bound in (*bounds, 0)]


def route(
    name: str, requests: int, refused: int = 0, failed: int = 0, **times: int
) -> RouteTraffic:
    """Return what came in on a route of the service ``shop``."""
    times = times or {"_5": requests}
    return RouteTraffic("shop", name, requests, refused, failed, latency(BUCKETS, **times))


def topic(name: str, records: int, failures: int = 0) -> TopicTraffic:
    """Return what was written to a topic."""
    return TopicTraffic(name, records, records * 100, failures, latency(BOUNDS, _10=records))


def report(*found: RouteTraffic | TopicTraffic, seconds: float = 0.0) -> TrafficReport:
    """Return a report on these."""
    routes = [one for one in found if isinstance(one, RouteTraffic)]
    topics = [one for one in found if isinstance(one, TopicTraffic)]
    return TrafficReport(seconds, "0.1.0", 2, 2, 0, 1000, routes, topics)


def message(made: TrafficReport) -> dict[str, Any]:
    """Return a report as ``Peer.say`` sends one."""
    decoded: dict[str, Any] = msgspec.json.decode(encode(made))
    return decoded


def fill_an_hour(traffic: Traffic, end: float) -> None:
    """Report an hour of a shop: waves of orders, a few refusals, and one bad minute."""
    clock = traffic.clock
    for place in range(360):
        at = end - 3600 + place * 10
        traffic.clock = lambda at=at: at  # type: ignore[misc]  # a default in a lambda
        wave = 1.0 + 0.4 * math.sin(place / 28) + 0.12 * math.sin(place / 3)
        orders, payments = int(620 * wave), int(180 * wave)
        bad = 40 if 210 <= place < 217 else 0
        slow = orders // 60 + bad * 2
        traffic.take(
            "node",
            report(
                route("orders", orders, orders // 90, bad, _5=orders - slow, _25=slow, _100=bad),
                route("payments", payments, payments // 40, 0, _10=payments),
                route("audit-trail", int(40 * wave), 0, 0, _2=int(40 * wave)),
                topic("orders", orders - bad - orders // 90, bad),
                topic("payments", payments),
                topic("audit", int(40 * wave)),
            ),
        )
    traffic.clock = clock
