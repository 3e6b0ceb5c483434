# SPDX-License-Identifier: Apache-2.0
"""Metrics as text: the Prometheus text format 0.0.4 and OpenMetrics 1.0.

Labels come as text that is made once for many samples (``labels``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

TEXT = b"text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = b"application/openmetrics-text; version=1.0.0; charset=utf-8"

Exemplars = Mapping[int, Sequence[object]]
"""Place of a bucket to trace id, value and seconds since 1970."""
_NO_EXEMPLARS: Exemplars = {}


class Series(NamedTuple):
    """One histogram of a family: its labels, the count of each bucket, and the sum of all."""

    labels: str
    counts: Sequence[int]
    sum: float
    exemplars: Exemplars = _NO_EXEMPLARS


def labels(**values: str) -> str:
    """Return labels as they stand in a sample."""
    return ",".join([f'{name}="{_escape(value)}"' for name, value in values.items()])


def wants_openmetrics(accept: bytes) -> bool:
    """Tell whether an Accept header has OpenMetrics, and does not like plain text better."""
    weights = {b"application/openmetrics-text": 0.0, b"text/plain": 0.0}
    for item in accept.lower().split(b","):
        kind, *parameters = (part.strip() for part in item.split(b";"))
        if kind in weights:
            weights[kind] = max(weights[kind], _weight(parameters))
    wanted, other = weights.values()
    return wanted > 0 and wanted >= other


def _weight(parameters: Iterable[bytes]) -> float:
    for parameter in parameters:
        if parameter.startswith(b"q="):
            try:
                return float(parameter[2:])
            except ValueError:
                return 0.0
    return 1.0


class Exposition:
    """Takes families one after the other; each name once."""

    def __init__(self, *, openmetrics: bool = False) -> None:
        self._openmetrics = openmetrics
        self._lines: list[str] = []

    def text(self) -> bytes:
        """Return everything, with its end."""
        end = ["# EOF", ""] if self._openmetrics else [""]
        return "\n".join(self._lines + end).encode()

    def one(self, name: str, kind: str, text: str, value: float) -> None:
        """Add a family of one sample without labels."""
        self.family(name, kind, text, [("", value)])

    def family(self, name: str, kind: str, text: str, samples: Iterable[tuple[str, float]]) -> None:
        """Add a family of counters or gauges: labels and values. Without samples it is left out."""
        lines = [
            f"{name}{{{written}}} {value}" if written else f"{name} {value}"
            for written, value in samples
        ]
        if lines:
            self._head(name, kind, text)
            self._lines += lines

    def histograms(
        self, name: str, text: str, bounds: Sequence[float], found: Sequence[Series]
    ) -> None:
        """Add a family of histograms over the same upper bounds."""
        if not found:
            return
        self._head(name, "histogram", text)
        add = self._lines.append
        shown = [str(float(bound)) if self._openmetrics else str(bound) for bound in bounds]
        heads = [f'le="{bound}"}} ' for bound in (*shown, "+Inf")]
        for written, counts, total, exemplars in found:
            start = f"{name}_bucket{{{written}," if written else f"{name}_bucket{{"
            wanted = exemplars if self._openmetrics else _NO_EXEMPLARS
            number = 0
            for place, number in enumerate(accumulate(counts)):
                line = f"{start}{heads[place]}{number}"
                add(f"{line}{_exemplar(wanted[place])}" if place in wanted else line)
            end = f"{{{written}}}" if written else ""
            add(f"{name}_count{end} {number}")
            add(f"{name}_sum{end} {round(total, 6)}")

    def _head(self, name: str, kind: str, text: str) -> None:
        if self._openmetrics and kind == "counter":
            # The name of a counter's family lacks what those of its samples end with. One that ends
            # otherwise, as Kong has them, can be no counter there.
            name, kind = (
                (name.removesuffix("_total"), kind)
                if name.endswith("_total")
                else (name, "unknown")
            )
        self._lines += (f"# HELP {name} {text}", f"# TYPE {name} {kind}")


def _exemplar(found: Sequence[object]) -> str:
    trace, value, at = found
    return f' # {{trace_id="{trace}"}} {value} {at}'


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
