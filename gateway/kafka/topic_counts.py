# SPDX-License-Identifier: Apache-2.0
"""What a producer counts by topic: records, bytes, failures, and how long deliveries took."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from typing import Any

BOUNDS = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000)
"""Upper bounds of the latency histogram in milliseconds; one more bucket has none."""


class TopicCounts:
    """The records of one topic. Which topics there are is up to configurations."""

    __slots__ = ("bytes", "failures", "latency", "records", "waited")

    def __init__(self) -> None:
        self.records = 0
        self.bytes = 0
        self.failures: dict[str, int] = {}
        self.latency = [0] * (len(BOUNDS) + 1)
        self.waited = 0.0
        """Milliseconds of all deliveries together."""

    def delivered(self, records: int, size: int, microseconds: int) -> None:
        """Count the records of one batch; the time is that of its first, which waited longest."""
        self.records += records
        self.bytes += size
        waited = microseconds / 1000
        self.latency[bisect_left(BOUNDS, waited)] += records
        self.waited += waited * records

    def failed(self, reason: str) -> None:
        """Count a record that was not written."""
        self.failures[reason] = self.failures.get(reason, 0) + 1

    def report(self) -> dict[str, Any]:
        """Return the numbers as plain JSON."""
        return {
            "records": self.records,
            "bytes": self.bytes,
            "failures": self.failures,
            "latency": self.latency,
            "waited": self.waited,
        }


def summed(reports: Iterable[dict[str, dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Add up reports of producers, each by topic."""
    totals: dict[str, dict[str, Any]] = {}
    for report in reports:
        for topic, found in report.items():
            total = totals.setdefault(topic, TopicCounts().report())
            for name in ("records", "bytes", "waited"):
                total[name] += found[name]
            pairs = zip(total["latency"], found["latency"], strict=True)
            total["latency"] = [one + other for one, other in pairs]
            for reason, number in found["failures"].items():
                total["failures"][reason] = total["failures"].get(reason, 0) + number
    return totals
