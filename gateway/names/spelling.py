# SPDX-License-Identifier: Apache-2.0
"""Advice for a word that is not among the allowed ones."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any


def nearest_word(word: str, allowed: Iterable[str], likeness: float = 0.6) -> str:
    """Return the allowed word that is most like ``word``; an empty string when none is.

    ``likeness`` is what ``difflib`` asks of a match: 1 for equal words, 0 for any.
    """
    return next(iter(get_close_matches(word, list(allowed), 1, likeness)), "")


def nearest(word: str, allowed: Iterable[str], likeness: float = 0.6) -> str:
    """Return ``did you mean "x"?``, or an empty string when nothing is near."""
    near = nearest_word(word, allowed, likeness)
    return f'did you mean "{near}"?' if near else ""


def choices(word: object, allowed: Iterable[Any], *, likeness: float = 0.6) -> str:
    """Return the advice for a value out of a list: the nearest spelling, and all of it."""
    words = [str(value) for value in allowed]
    guess = nearest(word, words, likeness) if isinstance(word, str) else ""
    listed = f"allowed: {', '.join(words)}"
    return f"{guess} {listed}" if guess else listed
