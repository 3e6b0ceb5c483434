# SPDX-License-Identifier: Apache-2.0
"""Lengths of time as options of commands are given them; no command."""

from __future__ import annotations

import re

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SPAN = re.compile(r"([0-9]{1,9})([smhdw])")


def span(text: str, units: str = "smhdw") -> int | None:
    """Return ``90s``, ``10m``, ``2h``, ``7d`` or ``4w`` in seconds; None for anything else.

    ``units`` are those that may be given.
    """
    found = _SPAN.fullmatch(text)
    return int(found[1]) * _UNITS[found[2]] if found and found[2] in units else None
