# SPDX-License-Identifier: Apache-2.0
"""The results as a table, Markdown and an SVG plot."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from bench.cases import FASTAPI, FLOOR, GATEWAY, LIBRDKAFKA, MQ_BRIDGE, PROTOTYPE
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
    "routes_10000_vs_10": ("<", 1.3),
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
_COLOURS = {
    GATEWAY: "#1f6feb",
    PROTOTYPE: "#8b949e",
    FLOOR: "#8b949e",
    MQ_BRIDGE: "#d29922",
    FASTAPI: "#2da44e",
    LIBRDKAFKA: "#8b949e",
}
_HEADINGS = ("case", "server", "req/s", "CPU µs/req", "p50 ms", "p99 ms", "p99.9 ms", "answers")
_LABELS, _BARS, _ROW, _GAP = 250, 480, 18, 12


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
        met = value >= target if sign == ">=" else value < target
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
        "![requests a second](latest.svg)",
    ]
    return "\n".join(lines) + "\n"


def svg(results: Results) -> str:
    """Return bars: requests a second of every server in the cases that are not rate-limited."""
    shown = [case for case in results.runs if "/s" not in case and "swap" not in case]
    groups = {case: {s: results.per_second(case, s) for s in results.runs[case]} for case in shown}
    most = max((value for bars in groups.values() for value in bars.values()), default=1.0)
    parts: list[str] = []
    y = 40
    for case, bars in groups.items():
        parts.append(f'<text x="8" y="{y + 13}" font-weight="bold">{escape(case)}</text>')
        for subject, value in bars.items():
            parts += _bar(y, subject, value, most)
            y += _ROW
        y += _GAP
    width = _LABELS + _BARS + 260
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y + 10}" '
        f'font-family="sans-serif" font-size="12">'
        f'<rect width="{width}" height="{y + 10}" fill="white"/>'
        '<text x="8" y="22" font-size="15">Requests a second, server on one core</text>'
        + "".join(parts)
        + "</svg>\n"
    )


def _bar(y: int, subject: str, value: float, most: float) -> list[str]:
    length = max(1, round(value / most * _BARS))
    return [
        f'<rect x="{_LABELS}" y="{y + 2}" width="{length}" height="{_ROW - 4}" '
        f'fill="{_COLOURS[subject]}"/>',
        f'<text x="{_LABELS + length + 6}" y="{y + 13}">{value:,.0f}  {escape(subject)}</text>',
    ]
