# SPDX-License-Identifier: Apache-2.0
"""Texts of others as a terminal may have them."""

from __future__ import annotations


def line(text: str) -> str:
    """Return a text on one line; what would steer the terminal stands for itself."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
