# SPDX-License-Identifier: Apache-2.0
"""What a regex says literally: the text every match starts with, and whole segments it contains.

The index finds the few regexes worth running by these. Everything here is allowed to know less
than there is (``OTHER``), never more: a wrong literal would hide a route.
"""

from __future__ import annotations

import re
from typing import NamedTuple

OTHER = ""
END = "$"
_ZERO_WIDTH_OR_CLASS = frozenset("dDwWsSbB")
_REPEAT = re.compile(r"\{\d+(,\d*)?\}")
_NAMED_GROUP = re.compile(r"\(\?(?::|P?<[A-Za-z_])")


class Literals(NamedTuple):
    """``prefix`` starts every match; every matching path holds all ``segments`` between slashes."""

    prefix: bytes
    segments: frozenset[bytes]


_NOTHING = Literals(b"", frozenset())


class _TooOddError(Exception):
    """The pattern uses something that this reader does not follow."""


def literals(pattern: str) -> Literals:
    """Read the literals off a valid regex that is matched from the start of a path."""
    try:
        items = _items(pattern)
    except (_TooOddError, IndexError, ValueError):
        return _NOTHING
    prefix = []
    for item in items:
        if item in (OTHER, END):
            break
        prefix.append(item)
    return Literals("".join(prefix).encode(), _segments(items))


def _segments(items: list[str]) -> frozenset[bytes]:
    found: set[bytes] = set()
    current: list[str] | None = None
    for item in items:
        if item in ("/", END):
            if current:
                found.add("".join(current).encode())
            current = []
        elif item == OTHER:
            current = None
        elif current is not None:
            current.append(item)
    return frozenset(found)


def _items(pattern: str) -> list[str]:
    """One item per atom outside of groups: a literal character, ``OTHER``, or ``END``."""
    items: list[str] = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char in "?*+{":
            at = _quantifier(pattern, at, items)
            continue
        if char in "|)":
            raise _TooOddError
        if char == "(":
            at = _after_group(pattern, at)
            items.append(OTHER)
        elif char == "[":
            at = _after_class(pattern, at)
            items.append(OTHER)
        elif char == "\\":
            items.append(_escaped(pattern[at + 1]))
            at += 2
        else:
            items.append({".": OTHER, "^": OTHER, "$": END}.get(char, char))
            at += 1
    return items


def _quantifier(pattern: str, at: int, items: list[str]) -> int:
    if pattern[at] == "{":
        repeat = _REPEAT.match(pattern, at)
        if repeat is None:
            raise _TooOddError
        at = repeat.end()
    else:
        at += 1
    if items:
        items[-1] = OTHER
    return at


def _escaped(char: str) -> str:
    if char in _ZERO_WIDTH_OR_CLASS:
        return OTHER
    if char.isalnum():  # \x41, \p{L}, \Q, octal: rare enough to be left to the engine
        raise _TooOddError
    # A literal dollar must not be taken for the end, so it only counts as "something".
    return OTHER if char == END else char


def _after_group(pattern: str, at: int) -> int:
    """Return the position behind the group that opens at ``at``."""
    if pattern.startswith("(?", at) and not _NAMED_GROUP.match(pattern, at):
        raise _TooOddError  # flags may change what the rest means
    depth = 0
    while True:
        char = pattern[at]
        if char == "[":
            at = _after_class(pattern, at)
            continue
        if char == "\\":
            if pattern[at + 1] == "Q":
                raise _TooOddError
            at += 1
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
            if depth == 0:
                return at + 1
        at += 1


def _after_class(pattern: str, at: int) -> int:
    """Return the position behind the bracket expression that opens at ``at``."""
    at += 1
    if pattern[at] == "^":
        at += 1
    if pattern[at] == "]":
        at += 1
    while pattern[at] != "]":
        if pattern.startswith("[:", at):
            at = pattern.index(":]", at) + 2
        else:
            at += 2 if pattern[at] == "\\" else 1
    return at + 1
