# SPDX-License-Identifier: Apache-2.0
"""From measurements to results: medians over rounds, and the ratios that have targets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from bench.cases import (
    AT_5000,
    AT_10000,
    FASTAPI,
    FILED,
    FLOOR,
    GATEWAY,
    GUARDED,
    KEYED,
    LIBRDKAFKA,
    METERED,
    MQ_BRIDGE,
    NO_ROUTE,
    NO_ROUTE_EDGE,
    NO_SWAP,
    ONE,
    OPENID,
    POSTED,
    PRODUCE,
    PRODUCE_512,
    PRODUCE_EDGE,
    PROTOTYPE,
    PROXY,
    PROXY_FLOOR,
    SWAP,
    TOKEN,
    TRACED,
)
from bench.stage import Measured, summary

_ADDED = {
    "policies_cpu_us": (GUARDED, PRODUCE),
    "jwt_cpu_us": (TOKEN, PRODUCE),
    "openid_connect_cpu_us": (OPENID, PRODUCE),
    "prometheus_cpu_us": (METERED, KEYED),
    "file_log_cpu_us": (FILED, PRODUCE),
    "http_log_cpu_us": (POSTED, PRODUCE),
    "opentelemetry_cpu_us": (TRACED, PRODUCE),
}
"""What policies add to a request's CPU time: the case with them, and that without."""


def _cpu(measured: Measured) -> float:
    return measured.cpu


def _p99(measured: Measured) -> float:
    return measured.percentiles["p99"]


_SHARES: dict[str, tuple[tuple[str, str], tuple[str, str], Callable[[Measured], float]]] = {
    "routes_10000_vs_10": (("10,000 routes", GATEWAY), ("10 routes", GATEWAY), _cpu),
    "cpu_vs_mq_bridge": ((PRODUCE, GATEWAY), (PRODUCE, MQ_BRIDGE), _cpu),
    "cpu_5000_vs_mq_bridge": ((AT_5000, GATEWAY), (AT_5000, MQ_BRIDGE), _cpu),
    "cpu_10000_vs_mq_bridge": ((AT_10000, GATEWAY), (AT_10000, MQ_BRIDGE), _cpu),
    "p99_10000_vs_prototype": ((AT_10000, GATEWAY), (AT_10000, PROTOTYPE), _p99),
    "swap_p99": ((SWAP, GATEWAY), (NO_SWAP, GATEWAY), _p99),
}
"""Ratios where less is better: what of the first case and server is divided by the second's."""


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

        Throughput against throughput, except where less is better (``_SHARES``): there it is CPU
        time a request, or p99. Each is the median of the
        rounds' own ratios, since what a machine does besides changes from one round to the next
        but hardly within one.
        """
        found: dict[str, float] = {}
        against = {
            "no_route_plain_vs_floor": (NO_ROUTE, FLOOR),
            "no_route_edge_vs_floor": (NO_ROUTE_EDGE, FLOOR),
            "produce_plain_vs_prototype": (PRODUCE, PROTOTYPE),
            "produce_edge_vs_prototype": (PRODUCE_EDGE, PROTOTYPE),
            "produce_plain_vs_mq_bridge": (PRODUCE, MQ_BRIDGE),
            "produce_edge_vs_mq_bridge": (PRODUCE_EDGE, MQ_BRIDGE),
            "produce_plain_vs_fastapi": (PRODUCE, FASTAPI),
            "produce_512_vs_prototype": (PRODUCE_512, PROTOTYPE),
            "proxy_vs_floor": (PROXY, PROXY_FLOOR),
        }
        for name, (case, other) in against.items():
            pairs = self._rounds((case, GATEWAY), (case, other))
            shares = [ours.per_second / theirs.per_second for ours, theirs in pairs]
            if shares:
                found[name] = round(median(shares), 3)
        for name, (first, second, of) in _SHARES.items():
            shares = [of(one) / of(other) for one, other in self._rounds(first, second)]
            if shares:
                found[name] = round(median(shares), 3)
        return found

    def differences(self) -> dict[str, float]:
        """Return what is added, where that has a target: medians of the rounds' differences.

        CPU microseconds that policies cost a request, and milliseconds of median latency at one
        connection over librdkafka alone.
        """
        found: dict[str, float] = {}
        for name, (case, without) in _ADDED.items():
            rounds = self._rounds((case, GATEWAY), (without, GATEWAY))
            added = [more.cpu - less.cpu for more, less in rounds]
            if added:
                found[name] = round(median(added), 2)
        rounds = self._rounds((ONE, GATEWAY), (ONE, LIBRDKAFKA))
        added = [ours.percentiles["p50"] - bare.percentiles["p50"] for ours, bare in rounds]
        if added:
            found["one_connection_ms"] = round(median(added), 3)
        return found

    def _rounds(
        self, first: tuple[str, str], second: tuple[str, str]
    ) -> list[tuple[Measured, Measured]]:
        """Pair the rounds of two cases and servers; none when one of them did not run."""
        left, right = (self.runs.get(case, {}).get(server, ()) for case, server in (first, second))
        return list(zip(left, right, strict=False))

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
        """Return everything as JSON data; ``ratios`` has what records went wrong besides."""
        acknowledged, lost, duplicated = self.records(GATEWAY)
        wrong = {"lost": lost, "duplicated": duplicated}
        return {
            "machine": machine,
            "ratios": {**self.ratios(), **wrong},
            "differences": self.differences(),
            "acknowledged": acknowledged,
            **wrong,
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
