# SPDX-License-Identifier: Apache-2.0
"""The tables of ``kafka-gateway top``: routes and topics in one interval; no command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from gateway.commands.lines import line
from gateway.control_plane.traffic import percentile
from gateway.data_plane.counters import BUCKETS
from gateway.kafka.topic_counts import BOUNDS

if TYPE_CHECKING:
    from gateway.data_plane.master.traffic_reports import CountedTraffic
    from gateway.hybrid.extensions import TrafficReport

NO_ROUTE = "(no route)"


@dataclass(frozen=True)
class Row:
    """One route or topic: amounts a second, and milliseconds; None where nothing came."""

    name: str
    requests: float
    """Or records."""
    failures: float
    """Responses 5xx, or records that were not written."""
    refused: float
    """Responses 4xx; none of a topic."""
    bytes: float
    """Of records; none of a route."""
    p50: float | None
    p99: float | None


@dataclass(frozen=True)
class Moment:
    """What a data plane did in one interval."""

    seconds: float
    version: str
    hash: str
    workers: int
    ready: int
    buffered: int
    buffer: int
    routes: tuple[Row, ...]
    topics: tuple[Row, ...]


def moment(report: TrafficReport, now: CountedTraffic) -> Moment:
    """Return a report's figures a second."""
    seconds = report.seconds or 1.0
    routes = (
        Row(
            f"{one.service} / {one.route}" if one.service else one.route or NO_ROUTE,
            one.requests / seconds,
            one.failed / seconds,
            one.refused / seconds,
            0.0,
            percentile(one.latency, BUCKETS, 0.5),
            percentile(one.latency, BUCKETS, 0.99),
        )
        for one in report.routes
    )
    topics = (
        Row(
            one.topic,
            one.records / seconds,
            one.failures / seconds,
            0.0,
            one.bytes / seconds,
            percentile(one.latency, BOUNDS, 0.5),
            percentile(one.latency, BOUNDS, 0.99),
        )
        for one in report.topics
    )
    return Moment(
        report.seconds,
        report.version,
        now.hash,
        report.workers,
        report.ready,
        report.buffered,
        report.buffer,
        tuple(routes),
        tuple(topics),
    )


def in_order(rows: Sequence[Row], by: str) -> list[Row]:
    """Return rows by a column, the largest first; by name from a to z."""
    named = sorted(rows, key=lambda row: row.name)
    if by == "name":
        return named
    return sorted(named, key=lambda row: getattr(row, by) or 0.0, reverse=True)


def as_json(found: Moment, by: str) -> dict[str, Any]:
    """Return everything as JSON data."""
    rows = {name: in_order(getattr(found, name), by) for name in ("routes", "topics")}
    return asdict(found) | {name: [asdict(row) for row in found] for name, found in rows.items()}


def plain(found: Moment, by: str) -> str:
    """Return the tables as text without colours, as wide as they need to be."""
    console = Console(width=120, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(drawn(found, by, Text("")))
    return "\n".join(line.rstrip() for line in captured.get().splitlines()).rstrip()


def drawn(found: Moment | None, by: str, note: Text) -> Group:
    """Return everything for a terminal; ``note`` is what is wrong."""
    if found is None:
        return Group(note if note.plain else Text("waits for the first interval", style="dim"))
    head = Text(
        f"kafka-gateway {found.version}  configuration {found.hash[:8]}  "
        f"workers {found.ready}/{found.workers}  buffer {found.buffered:,}/{found.buffer:,}  "
        f"sorted by {by}"
    )
    if found.ready < found.workers:
        head.stylize("yellow")
    heads = ("route", "requests/s", "4xx/s", "5xx/s", "p50 ms", "p99 ms")
    routes = [
        (_named(row), _number(row.requests), _number(row.refused), _failed(row), *_times(row))
        for row in in_order(found.routes, by)
    ]
    topic_heads = ("topic", "records/s", "kB/s", "failures/s", "p50 ms", "p99 ms")
    topics = [
        (_named(row), _number(row.requests), _number(row.bytes / 1000), _failed(row), *_times(row))
        for row in in_order(found.topics, by)
    ]
    return Group(head, note, _table(heads, routes), Text(""), _table(topic_heads, topics))


def _table(heads: Sequence[str], rows: Sequence[Sequence[Text]]) -> Table:
    table = Table(box=None, expand=True, header_style="bold", pad_edge=False)
    for number, head in enumerate(heads):
        table.add_column(
            head, justify="right" if number else "left", ratio=None if number else 1, no_wrap=True
        )
    for row in rows or [[Text("nothing in this interval", style="dim")]]:
        table.add_row(*row)
    return table


def _named(row: Row) -> Text:
    # Names come from configurations: nothing in them may steer the terminal.
    return Text(line(row.name), overflow="ellipsis")


def _number(value: float) -> Text:
    written = f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"
    return Text(written, style="" if value else "dim")


def _failed(row: Row) -> Text:
    text = _number(row.failures)
    if row.failures:
        text.stylize("bold red")
    return text


def _times(row: Row) -> tuple[Text, Text]:
    return _milliseconds(row.p50), _milliseconds(row.p99)


def _milliseconds(value: float | None) -> Text:
    return Text("-" if value is None else f"{value:,.1f}")
