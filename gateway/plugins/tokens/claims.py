# SPDX-License-Identifier: Apache-2.0
"""Reading claims: by path, as words, as times, as the text of a header."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

Claims = Mapping[str, Any]


def at(claims: Claims, path: Sequence[str]) -> Any:
    """Return what stands at a path of names; None where nothing does."""
    found: Any = claims
    for name in path:
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found


def words(value: Any) -> list[str]:
    """Return the words of a claim: a text with blanks, a list, or one value."""
    if isinstance(value, str):
        return value.split()
    if isinstance(value, list):
        return [_word(one) for one in value if _is_plain(one)]
    return [_word(value)] if _is_plain(value) else []


def text(value: Any) -> str | None:
    """Return a claim as the value of a header; None for one that is not there."""
    if value is None:
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(map(_is_plain, value)):
        return ",".join(str(text(one)) for one in value)
    return orjson.dumps(value).decode()


def name_of(value: Any) -> str | None:
    """Return a claim that names somebody; None where it names nobody."""
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value) or None
    return None


def seconds(value: Any) -> float | None:
    """Return a time in seconds since 1970, also one that is written as a text."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if math.isfinite(value) else None


class Required:
    """What a claim must hold: one of the entries, of which each is words that are all there."""

    def __init__(self, path: Sequence[str], entries: Sequence[str] | None) -> None:
        self._path = tuple(path)
        self._entries = [(entry, frozenset(entry.split())) for entry in entries or ()]

    def is_met(self, claims: Claims) -> bool:
        """Tell whether it does; without entries any does."""
        if not self._entries:
            return True
        found = set(words(at(claims, self._path)))
        # An entry of blanks alone needs no word, and is met by none either.
        return any(
            entry in found or bool(needed and needed <= found) for entry, needed in self._entries
        )


def _word(value: str | int | float) -> str:
    """Return a plain value as JSON writes it: ``true``, not Python's ``True``."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float)
