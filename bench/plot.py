# SPDX-License-Identifier: Apache-2.0
"""The results as an SVG plot: throughput, CPU per request and p99 of every server, by case."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape

from bench.cases import FASTAPI, FLOOR, GATEWAY, LIBRDKAFKA, MQ_BRIDGE, PROTOTYPE, PROXY_FLOOR
from bench.measurements import Results

_KINDS = {
    GATEWAY: "ours",
    MQ_BRIDGE: "peer",
    FASTAPI: "peer",
    PROTOTYPE: "floor",
    FLOOR: "floor",
    PROXY_FLOOR: "floor",
    LIBRDKAFKA: "floor",
}
_STYLE = """
text{font:12px system-ui,sans-serif;fill:#1f2328}.title{font-size:16px;font-weight:600}
.case{font-weight:600}.head,.note{fill:#59636e}.value{font-variant-numeric:tabular-nums}
.page{fill:#fff}.line{stroke:#d1d9e0}.ours{fill:#0969da}.peer{fill:#d4a72c}.floor{fill:#afb8c1}
@media (prefers-color-scheme:dark){text{fill:#f0f6fc}.head,.note{fill:#9198a1}.page{fill:#0d1117}
.line{stroke:#3d444d}.ours{fill:#4493f8}.peer{fill:#bb8009}.floor{fill:#656c76}}
"""
_MARGIN, _NAMES, _PANEL, _BARS, _ROW, _TOP = 16, 150, 230, 150, 18, 78
_PANELS: tuple[tuple[str, Callable[[Results, str, str], float], str], ...] = (
    ("requests a second", Results.per_second, ",.0f"),
    ("CPU µs a request", Results.cpu, ",.1f"),
    ("p99 ms", lambda results, case, server: results.percentile(case, server, "p99"), ",.2f"),
)
_WIDTH = _MARGIN * 2 + _NAMES + _PANEL * len(_PANELS)


def svg(results: Results) -> str:
    """Return the plot, for light and dark backgrounds; bars compare the servers of one case."""
    parts: list[str] = []
    y = _TOP
    for case in results.runs:
        parts.append(f'<text class="case" x="{_MARGIN}" y="{y + 13}">{escape(case)}</text>')
        y += _ROW
        for server in results.runs[case]:
            parts += _row(results, case, server, y)
            y += _ROW
        y += _ROW // 2
        parts.append(
            f'<line class="line" x1="{_MARGIN}" x2="{_WIDTH - _MARGIN}" y1="{y - 4}" y2="{y - 4}"/>'
        )
    heads = "".join(
        f'<text class="head" x="{_left(number)}" y="62">{name}</text>'
        for number, (name, _, _) in enumerate(_PANELS)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y + 8}" '
        f'width="{_WIDTH}" height="{y + 8}" role="img">'
        f"<title>Each server on one core</title><style>{_STYLE}</style>"
        f'<rect class="page" width="{_WIDTH}" height="{y + 8}"/>'
        f'<text class="title" x="{_MARGIN}" y="26">Each server on one core</text>'
        f'<text class="note" x="{_MARGIN}" y="43">medians of the rounds; a bar is relative to the '
        "longest of its case</text>" + heads + "".join(parts) + "</svg>\n"
    )


def _left(panel: int) -> int:
    return _MARGIN + _NAMES + _PANEL * panel


def _row(results: Results, case: str, server: str, y: int) -> Iterator[str]:
    kind = _KINDS[server]
    yield f'<text x="{_MARGIN + 10}" y="{y + 13}">{escape(server)}</text>'
    for number, (_, of, form) in enumerate(_PANELS):
        value = of(results, case, server)
        most = max(of(results, case, other) for other in results.runs[case])
        length = max(2, round(value / most * _BARS)) if most else 2
        left = _left(number)
        yield (
            f'<rect class="{kind}" x="{left}" y="{y + 3}" width="{length}" '
            f'height="{_ROW - 6}" rx="2"/>'
            f'<text class="value" x="{left + length + 6}" y="{y + 13}">{value:{form}}</text>'
        )
