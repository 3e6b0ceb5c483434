# SPDX-License-Identifier: Apache-2.0
"""What a node tells of its traffic: what was counted in all, and since the report before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from time import monotonic
from typing import Any, Protocol

import msgspec

from gateway import __version__
from gateway.data_plane.counters import summed
from gateway.hybrid.extensions import RouteTraffic, TopicTraffic, TrafficReport
from gateway.plugins.request_metrics import SEPARATOR


class ReportingWorkers(Protocol):
    """What is asked of the supervisor."""

    @property
    def count(self) -> int:
        """How many workers there are to be."""
        ...

    @property
    def ready(self) -> int:
        """How many serve."""
        ...

    async def gather(self) -> list[dict[str, Any]]:
        """Return what each worker reports of itself."""
        ...


class CountedTraffic(msgspec.Struct):
    """What a node's workers have counted in all."""

    at: float
    """When: in seconds of a clock that only goes on, and begins anew with the machine."""
    version: str
    workers: int
    ready: int
    buffered: int
    """Records in producers' buffers or on their way."""
    buffer: int
    """Records that fit into them."""
    routes: dict[str, Any]
    topics: dict[str, Any]
    hash: str = ""
    """Of the configuration in force, where it was asked for."""


def counted(reports: Iterable[Mapping[str, Any]], workers: int, ready: int) -> CountedTraffic:
    """Sum up what workers report of themselves."""
    total = summed(list(reports))
    counters, gauges = total.get("counters", {}), total.get("gauges", {})
    buffers = gauges.get("kafka", {})
    return CountedTraffic(
        at=monotonic(),
        version=__version__,
        workers=workers,
        ready=ready,
        buffered=int(buffers.get("messages", 0)),
        buffer=int(buffers.get("limit_messages", 0)),
        routes=counters.get("routes", {}),
        topics=counters.get("kafka", {}).get("topics", {}),
    )


def between(before: CountedTraffic | None, now: CountedTraffic) -> TrafficReport:
    """Return what was counted since another time; since the start without one.

    A node that was started anew in between has counted less than before: then it is since that.
    """
    if before is not None and _began_anew(before.routes, now.routes):
        before = None
    return TrafficReport(
        seconds=0.0 if before is None else now.at - before.at,
        version=now.version,
        workers=now.workers,
        ready=now.ready,
        buffered=now.buffered,
        buffer=now.buffer,
        routes=_routes({} if before is None else before.routes, now.routes),
        topics=_topics({} if before is None else before.topics, now.topics),
    )


def _began_anew(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    return any(
        sum(now.get(key, {}).get("codes", {}).values()) < sum(counted["codes"].values())
        for key, counted in before.items()
    )


class TrafficReports:
    """Makes reports."""

    def __init__(self, workers: ReportingWorkers, *, traces: bool = False) -> None:
        self._traces = traces
        self._workers = workers
        self._before: CountedTraffic | None = None

    async def begin(self) -> None:
        """Note what was counted so far, unless there has been a report: it is no traffic of now."""
        if self._before is None:
            await self.next()

    async def next(self) -> TrafficReport:
        """Return what was counted since the call before."""
        workers = self._workers
        now = counted(await workers.gather(), workers.count, workers.ready)
        report, self._before = between(self._before, now), now
        report.traces = self._traces
        return report


def _routes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[RouteTraffic]:
    found = []
    for key, counted in now.items():
        last = before.get(key, {})
        if counted["codes"] == last.get("codes"):
            continue
        old = last.get("codes", {})
        classes = [0] * 10
        for code, number in counted["codes"].items():
            classes[int(code.lstrip("-")) // 100 % 10] += number - old.get(code, 0)
        latency = _apart(counted["latency"], last.get("latency"))
        service, _, route = key.partition(SEPARATOR)
        found.append(RouteTraffic(service, route, sum(classes), classes[4], classes[5], latency))
    return found


def _topics(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[TopicTraffic]:
    found = []
    for topic, counted in now.items():
        last = before.get(topic, {})
        records = counted["records"] - last.get("records", 0)
        size = counted["bytes"] - last.get("bytes", 0)
        failures = sum(counted["failures"].values()) - sum(last.get("failures", {}).values())
        if topic and (records or failures):
            latency = _apart(counted["latency"], last.get("latency"))
            found.append(TopicTraffic(topic, records, size, failures, latency))
    return found


def _apart(now: Sequence[int], before: Sequence[int] | None) -> list[int]:
    if before is None:
        return list(now)
    return [one - other for one, other in zip(now, before, strict=True)]
