# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from copy import deepcopy
from typing import Any

from gateway.data_plane.counters import BUCKETS
from gateway.data_plane.master.traffic_reports import (
    CountedTraffic,
    TrafficReports,
    between,
    counted,
)
from gateway.kafka.topic_counts import BOUNDS, TopicCounts
from gateway.plugins.request_metrics import SEPARATOR


class Workers:
    """Two workers that report what the test says."""

    count, ready = 2, 1

    def __init__(self) -> None:
        self.routes: dict[str, Any] = {}
        self.topics: dict[str, TopicCounts] = {}

    def counted(self, route: str, **codes: int) -> None:
        latency = [0] * (len(BUCKETS) + 1)
        latency[3] = sum(codes.values())
        shown = {code.strip("_").replace("u", "-"): number for code, number in codes.items()}
        self.routes[f"shop{SEPARATOR}{route}"] = {"codes": shown, "latency": latency}

    async def gather(self) -> list[dict[str, Any]]:
        topics = {name: deepcopy(counts.report()) for name, counts in self.topics.items()}
        gauges = {"kafka": {"messages": 3, "limit_messages": 100}}
        return [
            {
                "counters": {"routes": deepcopy(self.routes), "kafka": {"topics": topics}},
                "gauges": gauges,
            }
        ]


async def test_a_report_has_what_came_since_the_one_before() -> None:
    workers = Workers()
    workers.counted("orders", _200=5, u502=1)
    reports = TrafficReports(workers)
    await reports.begin()
    assert (await reports.next()).routes == [], "nothing came since"

    workers.counted("orders", _200=7, _429=2, u502=4, u200=1)
    (route,) = (await reports.next()).routes
    assert (route.service, route.route) == ("shop", "orders")
    assert (route.requests, route.refused, route.failed) == (8, 2, 3)
    assert route.latency[3] == 8
    report = await reports.next()
    assert (report.workers, report.ready, report.buffered, report.buffer) == (2, 1, 3, 100)
    assert report.routes == []
    assert report.seconds >= 0


async def test_topics_are_told_with_what_was_not_written() -> None:
    workers = Workers()
    counts = workers.topics["orders"] = TopicCounts()
    reports = TrafficReports(workers)
    await reports.begin()
    counts.delivered(3, 300, 4000)
    counts.failed("timed out")
    (topic,) = (await reports.next()).topics
    assert (topic.topic, topic.records, topic.bytes, topic.failures) == ("orders", 3, 300, 1)
    assert len(topic.latency) == len(BOUNDS) + 1
    assert (await reports.next()).topics == []


async def test_what_was_counted_before_the_control_plane_was_there_is_told_once_it_is() -> None:
    workers = Workers()
    reports = TrafficReports(workers)
    await reports.begin()
    workers.counted("orders", _200=5)
    await reports.begin()
    assert (await reports.next()).routes[0].requests == 5


async def test_no_report_of_a_worker_is_no_traffic() -> None:
    class Silent(Workers):
        async def gather(self) -> list[dict[str, Any]]:
            return []

    assert (await TrafficReports(Silent()).next()).routes == []


def test_a_node_that_began_anew_is_counted_from_its_start() -> None:
    def found(number: int) -> CountedTraffic:
        routes = {f"s{SEPARATOR}r": {"codes": {"200": number}, "latency": [number]}}
        return counted([{"counters": {"routes": routes}, "gauges": {}}], 1, 1)

    assert between(found(5), found(8)).routes[0].requests == 3
    anew = between(found(8), found(2))
    assert (anew.routes[0].requests, anew.seconds) == (2, 0.0)
    assert between(None, found(4)).routes[0].requests == 4
