# SPDX-License-Identifier: Apache-2.0
"""What the page says of traffic: rates, latencies, and the points of its plots."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.control_plane.traffic import (
    SLOTS,
    WIDTH,
    RouteSeries,
    TopicSeries,
    Traffic,
    percentile,
)
from gateway.data_plane.counters import BUCKETS
from gateway.kafka.topic_counts import BOUNDS

_NOW = 3
"""Whole intervals that are called now: half a minute."""
_HOUR = SLOTS - 1
_COARSE = 2
"""Intervals over which latencies of one route or topic are told: five to ten minutes."""
_SMOOTHED = 3
"""Intervals that one point of a latency is of."""
_BUSIEST = 15


@dataclass(frozen=True)
class RouteFigures:
    """A route's traffic now; rates a second, latencies in milliseconds, shares from 0 to 1."""

    service: str
    route: str
    rate: float
    refused: float
    """Share of 4xx in the last hour."""
    failed: float
    """Share of 5xx in the last hour."""
    requests: float
    """In the last hour."""
    p50: float | None
    p99: float | None


@dataclass(frozen=True)
class TopicFigures:
    """A topic's; ``failures`` and ``records`` are those of the last hour."""

    topic: str
    rate: float
    bytes_rate: float
    records: float
    failures: float
    p50: float | None
    p99: float | None


class TrafficFigures:
    """Reads what ``Traffic`` keeps."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic

    def of_route(self, service: str, route: str) -> RouteFigures | None:
        """Return a route's figures; None where nothing was heard of it within the hour."""
        series = self._traffic.routes.get((service, route))
        return None if series is None else self._route(series)

    def all(self) -> RouteFigures:
        """Return those of all routes together."""
        series = self._traffic.all
        latency = series.latency.sums(self._traffic.clock(), 30)
        p50, p99 = (percentile(latency, BUCKETS, share) for share in (0.5, 0.99))
        return replace(self._route(series), p50=p50, p99=p99)

    def busiest(self) -> list[RouteFigures]:
        """Return the routes with the most requests in the last hour."""
        end = self._traffic.clock() + WIDTH
        counted = [
            (sum(one.counts.column(0, end, _HOUR)), one) for one in self._traffic.routes.values()
        ]
        found = [(-requests, one.route, one) for requests, one in counted if requests]
        found.sort(key=lambda one: one[:2])
        return [self._route(one) for _, _, one in found[:_BUSIEST]]

    def topics(self) -> list[TopicFigures]:
        """Return the topics, those with the most records first."""
        found = [self._topic(one) for one in self._traffic.topics.values()]
        found = [one for one in found if one.records or one.failures]
        return sorted(found, key=lambda one: (-one.records, one.topic))

    def plots(self, route: tuple[str, str] | None = None) -> dict[str, Any]:
        """Return the points of the last hour: of all routes, or of one; topics are always all."""
        now = self._traffic.clock()
        series: RouteSeries | None = self._traffic.all
        if route is not None:
            series = self._traffic.routes.get(route)
        end = int(now // WIDTH) * WIDTH
        points: dict[str, Any] = {
            "start": end - (_HOUR - 1) * WIDTH,
            "step": WIDTH,
            "requests": _requests(series, now),
            "topics": {
                one.topic: [
                    _rates(one.counts.column(0, now, _HOUR)),
                    _rates(one.counts.column(2, now, _HOUR)),
                ]
                for one in list(self._traffic.topics.values())[-8:]
            },
        }
        if route is None:
            points["latency"] = _latencies(self._traffic.all, now)
        return points

    def _route(self, series: RouteSeries) -> RouteFigures:
        now = self._traffic.clock()
        requests, refused, failed = series.counts.sums(now + WIDTH, _HOUR)
        latency = series.latency.sums(now + series.latency.width, _COARSE)
        return RouteFigures(
            series.service,
            series.route,
            series.counts.sums(now, _NOW)[0] / (_NOW * WIDTH),
            refused / requests if requests else 0.0,
            failed / requests if requests else 0.0,
            requests,
            percentile(latency, BUCKETS, 0.5),
            percentile(latency, BUCKETS, 0.99),
        )

    def _topic(self, series: TopicSeries) -> TopicFigures:
        now = self._traffic.clock()
        records, _, failures = series.counts.sums(now + WIDTH, _HOUR)
        rate, size, _ = series.counts.sums(now, _NOW)
        latency = series.latency.sums(now + series.latency.width, _COARSE)
        return TopicFigures(
            series.topic,
            rate / (_NOW * WIDTH),
            size / (_NOW * WIDTH),
            records,
            failures,
            percentile(latency, BOUNDS, 0.5),
            percentile(latency, BOUNDS, 0.99),
        )


def _requests(series: RouteSeries | None, now: float) -> list[list[float]]:
    """Return requests a second: answered, refused (4xx), failed (5xx)."""
    if series is None:
        return [[0.0] * _HOUR] * 3
    total, refused, failed = (series.counts.column(index, now, _HOUR) for index in range(3))
    fine = [one - other - third for one, other, third in zip(total, refused, failed, strict=True)]
    return [_rates(fine), _rates(refused), _rates(failed)]


def _latencies(series: RouteSeries, now: float) -> list[list[float | None]]:
    """Return the 50th, 90th and 99th percentile at each point; None where nothing came in."""
    columns = [series.latency.column(index, now, _HOUR) for index in range(len(BUCKETS) + 1)]
    points: list[list[float | None]] = [[], [], []]
    for place in range(_HOUR):
        start = max(0, place - _SMOOTHED + 1)
        counts = [sum(column[start : place + 1]) for column in columns]
        for found, share in zip(points, (0.5, 0.9, 0.99), strict=True):
            value = percentile(counts, BUCKETS, share)
            found.append(None if value is None else _rounded(value))
    return points


def _rates(sums: Sequence[float]) -> list[float]:
    return [_rounded(max(0.0, one) / WIDTH) for one in sums]


def _rounded(value: float) -> float:
    """Return as much of a number as can be seen in a plot: three digits."""
    return float(f"{value:.3g}")


def shares(figures: Iterable[TopicFigures]) -> float:
    """Return which share of all records was not written in the last hour."""
    records = failures = 0.0
    for one in figures:
        records, failures = records + one.records, failures + one.failures
    return failures / (records + failures) if records + failures else 0.0
