# SPDX-License-Identifier: Apache-2.0
"""The last hour as data planes report it: requests by route, records by topic, latencies.

Numbers of fixed size in memory; a restart forgets them. For more than an hour there is Prometheus.
"""

from __future__ import annotations

import time
from array import array
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from gateway.data_plane.counters import BUCKETS
from gateway.hybrid.extensions import RouteTraffic, TopicTraffic, TrafficReport
from gateway.kafka.topic_counts import BOUNDS

SLOTS, WIDTH = 360, 10
"""How many intervals are kept, and how many seconds each is long."""
_COARSE_SLOTS, _COARSE_WIDTH = 12, 300
"""The same for latencies of single routes."""
MOST_ROUTES, MOST_TOPICS = 4096, 512
"""Kept at most; those without traffic for the longest go first."""
_LONGEST_SPREAD = 300.0
"""Most seconds that one report is spread over: each of its numbers costs that many intervals."""
_LONGEST_NAME = 1000
"""Characters of a name; what is called otherwise is counted in the sums alone."""

K = TypeVar("K")
S = TypeVar("S")


class Ring:
    """Sums in intervals, for some values at once."""

    __slots__ = ("_newest", "_slots", "_values", "width")

    def __init__(self, fields: int, slots: int = SLOTS, width: int = WIDTH) -> None:
        self.width = width
        self._slots = slots
        self._values = [array("f", bytes(4 * slots)) for _ in range(fields)]
        self._newest = 0

    def add(self, at: float, amounts: Sequence[float], seconds: float = 0.0) -> None:
        """Add to the interval of a time, or evenly to those of the ``seconds`` before it."""
        newest = int(at // self.width)
        self._advance(newest)
        first = max(int((at - seconds) // self.width) + (seconds > 0), newest - self._slots + 1)
        intervals = range(min(first, newest), newest + 1)
        for values, amount in zip(self._values, amounts, strict=True):
            if amount:
                for interval in intervals:
                    values[interval % self._slots] += amount / len(intervals)

    def column(self, index: int, at: float, length: int) -> list[float]:
        """Return one value in the last ``length`` whole intervals before a time."""
        end = int(at // self.width)
        self._advance(end)
        values, first = self._values[index], (end - length) % self._slots
        return (values[first:] + values[:first])[:length].tolist()

    def sums(self, at: float, length: int) -> list[float]:
        """Return each value's sum over the last ``length`` whole intervals before a time."""
        return [sum(self.column(index, at, length)) for index in range(len(self._values))]

    def _advance(self, newest: int) -> None:
        """Begin the intervals up to this one."""
        for interval in range(max(self._newest + 1, newest - self._slots + 1), newest + 1):
            for values in self._values:
                values[interval % self._slots] = 0.0
        self._newest = max(self._newest, newest)


@dataclass
class RouteSeries:
    """One route: requests, 4xx, 5xx; and latencies."""

    service: str
    route: str
    counts: Ring = field(default_factory=lambda: Ring(3))
    latency: Ring = field(
        default_factory=lambda: Ring(len(BUCKETS) + 1, _COARSE_SLOTS, _COARSE_WIDTH)
    )


@dataclass
class TopicSeries:
    """One topic: records, bytes, failures; and latencies."""

    topic: str
    counts: Ring = field(default_factory=lambda: Ring(3))
    latency: Ring = field(
        default_factory=lambda: Ring(len(BOUNDS) + 1, _COARSE_SLOTS, _COARSE_WIDTH)
    )


@dataclass(frozen=True)
class NodeState:
    """What a data plane said of itself in its last report."""

    version: str
    workers: int
    ready: int
    buffered: int
    buffer: int
    traces: bool
    """Requests may be tried on it."""


class Traffic:
    """Takes reports. Lives on one event loop; nothing here blocks."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.edition = 0
        """Another number after each report with something in it."""
        self.all = RouteSeries("", "", latency=Ring(len(BUCKETS) + 1))
        self.routes: OrderedDict[tuple[str, str], RouteSeries] = OrderedDict()
        self.topics: OrderedDict[str, TopicSeries] = OrderedDict()
        self.nodes: dict[str, NodeState] = {}

    def take(self, node: str, report: TrafficReport) -> None:
        """Add what a data plane reports."""
        now, seconds = self.clock(), max(0.0, min(report.seconds, _LONGEST_SPREAD))
        self.nodes[node] = NodeState(
            report.version[:_LONGEST_NAME],
            report.workers,
            report.ready,
            report.buffered,
            report.buffer,
            report.traces,
        )
        self.edition += 1
        routes = [one for one in report.routes if len(one.latency) == len(BUCKETS) + 1]
        topics = [one for one in report.topics if len(one.latency) == len(BOUNDS) + 1]
        self._take_sums(routes, now, seconds)
        for route in routes[:MOST_ROUTES]:
            if len(route.service) + len(route.route) <= _LONGEST_NAME:
                self._take_route(route, now, seconds)
        for topic in topics[:MOST_TOPICS]:
            if len(topic.topic) <= _LONGEST_NAME:
                self._take_topic(topic, now, seconds)

    def forget(self, node: str) -> None:
        """Forget what a data plane said of itself: it is gone."""
        self.nodes.pop(node, None)

    def _take_sums(self, reports: Sequence[RouteTraffic], now: float, seconds: float) -> None:
        if reports:
            counts = [(one.requests, one.refused, one.failed) for one in reports]
            self.all.counts.add(now, _sums(counts), seconds)
            self.all.latency.add(now, _sums([one.latency for one in reports]), seconds)

    def _take_route(self, report: RouteTraffic, now: float, seconds: float) -> None:
        key = report.service, report.route
        series = _latest(self.routes, key, lambda: RouteSeries(*key), MOST_ROUTES)
        series.counts.add(now, (report.requests, report.refused, report.failed), seconds)
        series.latency.add(now, report.latency, seconds)

    def _take_topic(self, report: TopicTraffic, now: float, seconds: float) -> None:
        topic = report.topic
        series = _latest(self.topics, topic, lambda: TopicSeries(topic), MOST_TOPICS)
        series.counts.add(now, (report.records, report.bytes, report.failures), seconds)
        series.latency.add(now, report.latency, seconds)


def _latest(kept: OrderedDict[K, S], key: K, make: Callable[[], S], most: int) -> S:
    """Return what is kept under a key, made if need be; the one heard of first goes for it."""
    series = kept.get(key)
    if series is None:
        series = kept[key] = make()
    kept.move_to_end(key)
    if len(kept) > most:
        kept.popitem(last=False)
    return series


def _sums(rows: Sequence[Sequence[int]]) -> list[int]:
    return [sum(column) for column in zip(*rows, strict=True)]


def percentile(counts: Sequence[float], bounds: Sequence[float], share: float) -> float | None:
    """Return the time that a share of what a histogram counts stays below; None without any.

    Within a bucket times are taken to be spread evenly; the last one has no upper bound.
    """
    total = sum(counts)
    if total <= 0:
        return None
    wanted, seen = share * total, 0.0
    for index, count in enumerate(counts):
        if count > 0 and seen + count >= wanted:
            low = bounds[index - 1] if index else 0.0
            high = bounds[index] if index < len(bounds) else bounds[-1]
            return low + (high - low) * max(0.0, wanted - seen) / count
        seen += count
    return float(bounds[-1])
