# SPDX-License-Identifier: Apache-2.0
"""What a node tells its control plane of its traffic: what was counted since the report before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any, Protocol

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


class TrafficReports:
    """Makes reports."""

    def __init__(self, workers: ReportingWorkers, *, traces: bool = False) -> None:
        self._traces = traces
        self._workers = workers
        self._routes: Mapping[str, Any] = {}
        self._topics: Mapping[str, Any] = {}
        self._since: float | None = None

    async def begin(self) -> None:
        """Note what was counted so far, unless there has been a report: it is no traffic of now."""
        if self._since is None:
            await self.next()

    async def next(self) -> TrafficReport:
        """Return what was counted since the call before."""
        total = summed(await self._workers.gather())
        counters, gauges = total.get("counters", {}), total.get("gauges", {})
        now = monotonic()
        seconds = 0.0 if self._since is None else now - self._since
        routes, topics = counters.get("routes", {}), counters.get("kafka", {}).get("topics", {})
        buffers = gauges.get("kafka", {})
        report = TrafficReport(
            seconds=seconds,
            version=__version__,
            workers=self._workers.count,
            ready=self._workers.ready,
            buffered=int(buffers.get("messages", 0)),
            buffer=int(buffers.get("limit_messages", 0)),
            routes=list(_routes(self._routes, routes)),
            topics=list(_topics(self._topics, topics)),
        )
        report.traces = self._traces
        self._since, self._routes, self._topics = now, routes, topics
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
