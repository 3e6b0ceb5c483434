# SPDX-License-Identifier: Apache-2.0
"""Whole numbers, where what they came through knows only floats."""

from __future__ import annotations

_EXACT = 2**53
"""Below it a float is the whole number that was written, and 64 bits hold it."""


def whole(value: float) -> float:
    """Return a whole number as an integer: clients in typed languages refuse 1.0 for 1."""
    return int(value) if value.is_integer() and abs(value) < _EXACT else value
