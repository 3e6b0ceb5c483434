# SPDX-License-Identifier: Apache-2.0
"""From measurements to results: medians over rounds, and the ratios that have targets."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import Any

from bench.cases import FASTAPI, FLOOR, GATEWAY, MQ_BRIDGE, PROTOTYPE
from bench.stage import Measured, summary

_NO_ROUTE = "404, 64 connections"
_PRODUCE = "produce, 256 connections"


@dataclass
class Results:
    """All measurements: per case and server one for each round, in order."""

    runs: dict[str, dict[str, list[Measured]]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def add(self, case: str, subject: str, measured: Measured) -> None:
        """Keep one measurement."""
        self.runs.setdefault(case, {}).setdefault(subject, []).append(measured)

    def per_second(self, case: str, subject: str) -> float:
        """Median of requests a second over the rounds."""
        return median(one.per_second for one in self.runs[case][subject])

    def cpu(self, case: str, subject: str) -> float:
        """Median of CPU microseconds per request over the rounds."""
        return median(one.cpu for one in self.runs[case][subject])

    def percentile(self, case: str, subject: str, name: str) -> float:
        """Median of a latency percentile in milliseconds over the rounds."""
        return median(one.percentiles[name] for one in self.runs[case][subject])

    def ratios(self) -> dict[str, float]:
        """Return those ratios whose cases ran.

        Throughput against throughput, except for routes: there it is CPU time, of many against
        few. Each is the median of the rounds' own ratios, since what a machine does besides
        changes from one round to the next but hardly within one.
        """
        found: dict[str, float] = {}
        against = {
            "no_route_vs_floor": (_NO_ROUTE, FLOOR),
            "produce_vs_prototype": (_PRODUCE, PROTOTYPE),
            "produce_vs_mq_bridge": (_PRODUCE, MQ_BRIDGE),
            "produce_vs_fastapi": (_PRODUCE, FASTAPI),
        }
        for name, (case, other) in against.items():
            runs = self.runs.get(case, {})
            pairs = zip(runs.get(GATEWAY, ()), runs.get(other, ()), strict=False)
            shares = [ours.per_second / theirs.per_second for ours, theirs in pairs]
            if shares:
                found[name] = round(median(shares), 3)
        few, many = (self.runs.get(f"{n:,} routes", {}).get(GATEWAY, ()) for n in (10, 10000))
        shares = [more.cpu / less.cpu for more, less in zip(many, few, strict=False)]
        if shares:
            found["routes_10000_vs_10"] = round(median(shares), 3)
        return found

    def records(self, subject: str) -> tuple[int, int, int]:
        """Acknowledged, lost and duplicated records of a server over all runs."""
        verdicts = [
            one.verdict
            for subjects in self.runs.values()
            for one in subjects.get(subject, ())
            if one.verdict is not None
        ]
        return (
            sum(verdict.acknowledged for verdict in verdicts),
            sum(verdict.lost for verdict in verdicts),
            sum(verdict.duplicated for verdict in verdicts),
        )

    def as_json(self, machine: dict[str, Any]) -> dict[str, Any]:
        """Return everything as JSON data."""
        acknowledged, lost, duplicated = self.records(GATEWAY)
        return {
            "machine": machine,
            "ratios": self.ratios(),
            "acknowledged": acknowledged,
            "lost": lost,
            "duplicated": duplicated,
            "failures": self.failures,
            "cases": {
                case: {
                    subject: {
                        "per_second": round(self.per_second(case, subject)),
                        "cpu_us": round(self.cpu(case, subject), 2),
                        "ms": {
                            name: self.percentile(case, subject, name)
                            for name in ("p50", "p99", "p99.9")
                        },
                        "rounds": [summary(one) for one in runs],
                    }
                    for subject, runs in subjects.items()
                }
                for case, subjects in self.runs.items()
            },
        }
