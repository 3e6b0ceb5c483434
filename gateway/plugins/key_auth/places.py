# SPDX-License-Identifier: Apache-2.0
"""Where keys stand in a text, and queries and forms as such texts.

A reader returns every place under one of the names, so that two of them are seen as two, and so
that they can be cut out without anything else being written anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, AnyStr, NamedTuple
from urllib.parse import unquote_to_bytes

import re2

from gateway.errors import RequestRejected


class Place(NamedTuple):
    """What stands under one of the names, and the span to cut it out of the text."""

    name: str
    keys: Sequence[bytes]
    """One key; none where no text is given, two or more where it cannot be told which it is."""
    start: int
    end: int


MOST = 100
"""Places in one text."""
SEVERAL = (b"", b"")
"""The keys of a list or an object."""


class Spans:
    """Spans of items in a list with separators of one character; ``first`` is where it begins."""

    def __init__(self, first: int) -> None:
        self._led = first

    def of(self, begin: int, end: int, followed: bool) -> tuple[int, int]:
        """Return an item with the separator before it, or behind it where nothing is before."""
        if begin != self._led:
            return begin - 1, end
        self._led = end + followed
        return begin, self._led


def too_many(what: str, most: int) -> RequestRejected:
    """Return the refusal of a text that would take too long to look through."""
    return RequestRejected(400, f"the request has too many {what}: {most} are allowed")


def cut(text: AnyStr, places: Iterable[Place]) -> AnyStr:
    """Return the text without these places, which are in order."""
    kept, at = text[:0], 0
    for place in places:
        kept += text[at : place.start]
        at = place.end
    return kept + text[at:]


class Arguments:
    """Finds arguments by name in queries and forms, however many there are.

    By RE2, in one pass: a body of a million ampersands takes 2 ms.
    """

    def __init__(self, names: Iterable[str]) -> None:
        spelled = "|".join("".join(map(_spelled, name)) for name in names)
        self._pattern: Any = re2.compile(f"&({spelled})(=[^&]*)?(?:&|$)".encode())

    def places(self, encoded: bytes) -> list[Place]:
        """Return the arguments, each with one ampersand beside it."""
        found: list[Place] = []
        spans = Spans(0)
        text = b"&" + encoded
        at = 0
        # One at a time: the ampersand behind one argument is that before the next.
        while (match := self._pattern.search(text, at)) is not None:
            value = match[2]
            at = match.end(1 if value is None else 2)
            span = spans.of(match.start(), at - 1, at <= len(encoded))
            keys = () if value is None else (_decoded(value[1:]),)
            found.append(Place(_decoded(match[1]).decode(), keys, *span))
            if len(found) > MOST:
                raise too_many("places for a key", MOST)
        return found

    def without(self, encoded: bytes) -> bytes:
        """Return a query or form without the arguments; the others stay as they were written."""
        return cut(encoded, self.places(encoded))


def _spelled(character: str) -> str:
    """Return a regex for a letter, digit, hyphen or underscore, plain or percent-encoded."""
    code = f"{ord(character):02x}"
    digits = "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in code)
    return f"(?:{character}|%{digits})"


def _decoded(part: bytes) -> bytes:
    return unquote_to_bytes(part.replace(b"+", b" "))
