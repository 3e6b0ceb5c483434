# SPDX-License-Identifier: Apache-2.0
"""Advice for a word that is not among the allowed ones."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any


def nearest(word: str, allowed: Iterable[str]) -> str:
    """Return ``did you mean "x"?``, or an empty string when nothing is near."""
    near = get_close_matches(word, list(allowed), 1, 0.6)
    return f'did you mean "{near[0]}"?' if near else ""


def choices(word: object, allowed: Iterable[Any]) -> str:
    """Return the advice for a value out of a list: the nearest spelling, and all of it."""
    words = [str(value) for value in allowed]
    guess = nearest(word, words) if isinstance(word, str) else ""
    listed = f"allowed: {', '.join(words)}"
    return f"{guess} {listed}" if guess else listed
