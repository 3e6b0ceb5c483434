# SPDX-License-Identifier: Apache-2.0
"""The results as a table and Markdown, and the targets."""

from __future__ import annotations

import operator
from collections.abc import Iterator
from typing import Any

from bench.cases import FASTAPI, GATEWAY, LIBRDKAFKA, MQ_BRIDGE, PROTOTYPE
from bench.measurements import Results

TARGETS = {
    "no_route_plain_vs_floor": (">=", 0.85),
    "no_route_edge_vs_floor": (">=", 0.85),
    "produce_plain_vs_prototype": (">=", 0.75),
    "produce_edge_vs_prototype": (">=", 0.75),
    "produce_plain_vs_mq_bridge": (">=", 1.5),
    "produce_edge_vs_mq_bridge": (">=", 1.5),
    "produce_plain_vs_fastapi": (">=", 10.0),
    "produce_512_vs_prototype": (">=", 0.75),
    "proxy_vs_floor": (">=", 0.667),
    "routes_10000_vs_10": ("<", 1.3),
    "cpu_vs_mq_bridge": ("<=", 0.8),
    "cpu_5000_vs_mq_bridge": ("<=", 1.0),
    "cpu_10000_vs_mq_bridge": ("<=", 1.0),
    "p99_10000_vs_prototype": ("<=", 2.0),
    "swap_p99": ("<", 1.5),
    "policies_cpu_us": ("<", 5.0),
    "jwt_cpu_us": ("<", 3.0),
    "openid_connect_cpu_us": ("<", 3.0),
    "prometheus_cpu_us": ("<", 1.0),
    "file_log_cpu_us": ("<", 4.0),
    "http_log_cpu_us": ("<", 4.0),
    "opentelemetry_cpu_us": ("<", 1.0),
    "one_connection_ms": ("<", 0.3),
}
_SIGNS = {">=": operator.ge, "<": operator.lt, "<=": operator.le}
_HEADINGS = ("case", "server", "req/s", "CPU µs/req", "p50 ms", "p99 ms", "p99.9 ms", "answers")


def rows(results: Results) -> Iterator[tuple[str, ...]]:
    """Yield one row per case and server, as text."""
    for case, subjects in results.runs.items():
        for subject, runs in subjects.items():
            statuses: dict[str, int] = {}
            for run in runs:
                for status, count in run.statuses.items():
                    statuses[status] = statuses.get(status, 0) + count
            yield (
                case,
                subject,
                f"{results.per_second(case, subject):,.0f}",
                f"{results.cpu(case, subject):.1f}",
                *(f"{results.percentile(case, subject, p):.2f}" for p in ("p50", "p99", "p99.9")),
                " ".join(f"{status}:{count:,}" for status, count in sorted(statuses.items())),
            )


def table(results: Results) -> str:
    """Return a table for the terminal."""
    lines = [_HEADINGS, *rows(results)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADINGS))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if column in (0, 1, 7) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def verdicts(results: Results) -> Iterator[str]:
    """Yield a line per ratio and difference with its target, and the count of records."""
    for name, value in {**results.ratios(), **results.differences()}.items():
        sign, target = TARGETS[name]
        met = _SIGNS[sign](value, target)
        yield f"{name}: {value} (target {sign} {target}: {'met' if met else 'MISSED'})"
    for subject in (GATEWAY, PROTOTYPE, MQ_BRIDGE, FASTAPI, LIBRDKAFKA):
        acknowledged, lost, duplicated = results.records(subject)
        if acknowledged:
            yield (
                f"{subject}: {acknowledged:,} records acknowledged, "
                f"{lost} lost, {duplicated} duplicated"
            )
    yield from (f"FAILED {failure}" for failure in results.failures)


def markdown(results: Results, machine: dict[str, Any]) -> str:
    """Return the whole as Markdown."""
    lines = [
        "# Results of the last run",
        "",
        ", ".join(f"{name}: {value}" for name, value in machine.items()),
        "",
        *(f"- {line}" for line in verdicts(results)),
        "",
        "| " + " | ".join(_HEADINGS) + " |",
        "|---|---|---:|---:|---:|---:|---:|---|",
        *("| " + " | ".join(row) + " |" for row in rows(results)),
        "",
        "![requests a second, CPU per request and p99](latest.svg)",
    ]
    return "\n".join(lines) + "\n"
