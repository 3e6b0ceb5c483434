# SPDX-License-Identifier: Apache-2.0
"""How long lists are looked through: words to search for, and pages, as an address says them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from urllib.parse import urlencode

from starlette.requests import Request

_LONGEST = 200
"""Characters of a search."""
_DIGITS = 7
_Row = TypeVar("_Row")


@dataclass(frozen=True)
class FoundPage(Generic[_Row]):
    """One page of what a search found, as templates show it."""

    path: str
    text: str
    """What was searched for; empty: everything."""
    rows: Sequence[_Row]
    """Those on this page."""
    count: int
    """How many were found."""
    number: int
    """Of this page, from 1."""
    last: int

    def link(self, number: int) -> str:
        """Return the address of another page of the same search."""
        asked = {"q": self.text} if self.text else {}
        return f"{self.path}?{urlencode({**asked, 'page': number})}"


class Search:
    """What the address of a list asks for."""

    def __init__(self, request: Request) -> None:
        self._path = request.url.path
        self.text = request.query_params.get("q", "")[:_LONGEST]
        self._words = self.text.lower().split()
        self._number = _number(request.query_params.get("page", "1"))

    def among(
        self, rows: Sequence[_Row], haystack: Callable[[_Row], str], size: int
    ) -> FoundPage[_Row]:
        """Return a page of up to ``size`` rows, among those with all words in their haystack.

        A number beyond the pages that there are means the nearest one.
        """
        if self._words:
            rows = [row for row in rows if self._finds(haystack(row).lower())]
        last = max(1, -(-len(rows) // size))
        number = min(max(self._number, 1), last)
        shown = rows[(number - 1) * size : number * size]
        return FoundPage(self._path, self.text, shown, len(rows), number, last)

    def _finds(self, haystack: str) -> bool:
        return all(word in haystack for word in self._words)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else 1
