# SPDX-License-Identifier: Apache-2.0
"""Numbers and times as the page writes them; filters of its templates."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

_DASH = "\N{EN DASH}"
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_LONG = 90
"""How many of a unit it takes until the next larger is used: 90 s, then 2 min."""
_EARLIEST, _LATEST = -30_610_224_000, 253_402_300_799
"""The first second of the year 1000, and the last of 9999: years have four digits."""
_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def duration(seconds: float) -> str:
    """Return a length of time in one unit: ``45 s``, ``12 min``, ``3 d``."""
    left = max(0, int(seconds))
    for size, unit in _UNITS:
        larger = size * _LONG / 60 if size < 3600 else size * 2
        if left >= (larger if size > 1 else 0):
            return f"{left // size} {unit}"
    return f"{left} s"


def moment(at: float) -> str:
    """Return a time as ISO 8601 has it, in UTC, to the second."""
    return _time(at).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment_text(at: float) -> str:
    """Return the same for people: ``2026-01-31 12:00:00 UTC``."""
    return _time(at).strftime("%Y-%m-%d %H:%M:%S UTC")


def _time(at: float) -> datetime:
    """Return a time; the next there is, as producers give records any time they like."""
    return datetime.fromtimestamp(min(max(at, _EARLIEST), _LATEST), UTC)


def ago(at: float, now: Callable[[], float] = time.time) -> str:
    """Return how long ago, or in how long: ``3 min ago``, ``in 12 d``."""
    apart = now() - at
    return f"in {duration(-apart)}" if apart < 0 else f"{duration(apart)} ago"


def figure(value: float | None) -> str:
    """Return a number short enough for a table: ``1.2k``, ``37``, ``0.4``; a dash for None."""
    if value is None:
        return _DASH
    for size, prefix in _PREFIXES:
        if value >= size:
            return f"{_plain(value / size)}{prefix}"
    return _plain(value)


def milliseconds(value: float | None) -> str:
    """Return a latency: ``0.8 ms``, ``12 ms``, ``1.5 s``; a dash for None."""
    if value is None:
        return _DASH
    return f"{_plain(value / 1000)} s" if value >= 1000 else f"{_plain(value)} ms"


def _plain(value: float) -> str:
    """Return three digits at most, but all before the point."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def percent(share: float) -> str:
    """Return a share from 0 to 1 in percent, without the sign: ``<0.01``, ``2.2``, ``100``."""
    if 0 < share < 0.0001:
        return "<0.01"
    return f"{share * 100:.0f}" if share >= 0.1 else f"{float(f'{share * 100:.2g}'):g}"


def short(digest: str) -> str:
    """Return as much of a hash as tells it from others."""
    return digest[:8]


FILTERS: dict[str, Callable[[Any], str]] = {
    "duration": duration,
    "moment": moment,
    "moment_text": moment_text,
    "ago": ago,
    "figure": figure,
    "percent": percent,
    "milliseconds": milliseconds,
    "short": short,
}
