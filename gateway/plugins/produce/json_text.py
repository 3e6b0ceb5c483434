# SPDX-License-Identifier: Apache-2.0
"""JSON texts that are checked and cut, but not made into values.

What a caller sent goes into records as it was written: numbers of any size stay exact, and a large
text costs no objects. msgspec skips over the values of a text in C, about a tenth of the time that
parsing takes; it neither judges the size of numbers nor looks at UTF-8.
"""

from __future__ import annotations

import json
import re
import sys
from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal, InvalidOperation
from itertools import accumulate
from math import isinf
from typing import Any

import msgspec
import orjson

_skip = msgspec.json.Decoder(msgspec.Raw).decode
_SAID = "JSON is malformed: "
_TRAILING = re.compile(r"trailing characters \(byte (\d+)\)")
_BLANKS = b" \t\r\n"
_behind = re.compile(rb"[ \t\r\n]*").match
_PIECE = 1 << 16
_STEPS = bytes({0x5B: 1, 0x7B: 1}.get(code, 255) for code in range(256))
_NO_BRACKETS = bytes(code for code in range(256) if code not in b"[]{}")
_LONGEST_INTEGER = 4300
"""Digits that Python turns into an integer at most (``sys.set_int_max_str_digits``)."""

_C_GOES_DEEPER = sys.version_info >= (3, 12)
"""Whether C code has a limit of its own, of some thousands, which cannot be set (What's New In
Python 3.12)."""


def check(text: bytes, deepest: int) -> None:
    """Raise ``ValueError`` saying why a text is not JSON (RFC 8259), or nested too deeply.

    ``deepest``: arrays and objects inside each other. Whether it is UTF-8 is not looked at.
    """
    try:
        _skip(text)
    except RecursionError:
        # Depth that Python allows in C, less what is on the stack: often, but not always too deep.
        _check_depth(text, deepest)
        with _deep(deepest):
            _check_again(text)
    except msgspec.DecodeError as error:
        raise ValueError(_reason(error)) from None
    else:
        # What was skipped is less deep than Python's limit, where that holds for C too.
        if (_C_GOES_DEEPER or deepest < sys.getrecursionlimit()) and text.count(b"[") + text.count(
            b"{"
        ) > deepest:
            _check_depth(text, deepest)


def values(text: bytes, deepest: int) -> Iterator[bytes]:
    """Yield the texts of an array's elements, byte by byte as they stand there.

    Raises ``ValueError`` before the first unless the whole is an array that ``check`` takes.
    """
    check(text, deepest)
    if text.lstrip(_BLANKS)[:1] != b"[":
        raise ValueError("it is not an array")
    with memoryview(text) as view:
        place = text.index(b"[") + 1
        while text[place := _behind_blanks(text, place)] != 0x5D:
            end = _end_of_value(view, place, deepest)
            yield text[place:end].rstrip(_BLANKS)
            place = _behind_blanks(text, end)
            # A comma, or the bracket that ends it.
            place += text[place] == 0x2C


def load(text: bytes, beyond: Callable[[str], Any] | None = None) -> Any:
    """Return the value of a text that ``check`` takes.

    Numbers are integers and floats. Fractions that no double can hold and integers of more digits
    than Python counts are what ``beyond`` makes of their texts: ``Decimal`` when not given.
    """
    beyond = beyond or _decimal

    def integer(digits: str) -> Any:
        return int(digits) if len(digits) <= _LONGEST_INTEGER else beyond(digits)

    def fraction(digits: str) -> Any:
        return beyond(digits) if isinf(found := float(digits)) else found

    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        with _deep(1000):
            return json.loads(text, parse_int=integer, parse_float=fraction)


def members(text: bytes, enough: int) -> int:
    """Return how many values stand in the arrays and objects of a text that ``check`` takes.

    Without making them; it may be a few more while they are not more than ``enough``.
    """
    found = text.count(b",") + text.count(b"[") + text.count(b"{")
    if found <= enough:
        return found
    bare = _without_strings(text, b'"').translate(None, _BLANKS)
    opened = bare.count(b"[") + bare.count(b"{") - bare.count(b"[]") - bare.count(b"{}")
    return bare.count(b",") + opened


def nesting(text: bytes, enough: int) -> int:
    """Return how deep arrays and objects are nested; counting ends above ``enough``."""
    steps = _without_strings(text).translate(_STEPS, _NO_BRACKETS)
    depth = deepest = 0
    for start in range(0, len(steps), _PIECE):
        reached = list(accumulate(array("b", steps[start : start + _PIECE]), initial=depth))
        depth, deepest = reached[-1], max(deepest, max(reached))
        if deepest > enough:
            break
    return deepest


def _without_strings(text: bytes, instead: bytes = b"") -> bytes:
    plain = text.replace(rb"\\", b"").replace(rb"\"", b"")
    return instead.join(plain.split(b'"')[::2]) if b'"' in plain else plain


def _check_depth(text: bytes, deepest: int) -> None:
    if nesting(text, deepest) > deepest:
        raise ValueError(f"it is nested deeper than {deepest} arrays and objects")


def _check_again(text: bytes) -> None:
    try:
        _skip(text)
    except RecursionError:
        # Not in strings that end, as ``nesting`` counts them: it is no JSON.
        raise ValueError("malformed") from None
    except msgspec.DecodeError as error:
        raise ValueError(_reason(error)) from None


def _reason(error: msgspec.DecodeError) -> str:
    return str(error).removeprefix(_SAID)


@contextmanager
def _deep(levels: int) -> Iterator[None]:
    """Let C code go that many levels deeper; a level takes a few hundred bytes of its stack."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(before + 3 * levels)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _end_of_value(view: memoryview, start: int, deepest: int) -> int:
    """Return the place of the comma or bracket behind a value of a correct array.

    msgspec tells it: the value is skipped, and what follows has no place there.
    """
    try:
        try:
            _skip(view[start:])
        except RecursionError:
            with _deep(deepest):
                _skip(view[start:])
    except msgspec.DecodeError as error:
        found = _TRAILING.search(str(error))
        if found is not None:
            # It counts the byte itself.
            return start + int(found[1]) - 1
        raise
    raise ValueError("malformed")


def _behind_blanks(text: bytes, place: int) -> int:
    found = _behind(text, place)
    return place if found is None else found.end()


def _decimal(digits: str) -> Decimal | float:
    try:
        return Decimal(digits)
    except InvalidOperation:
        # An exponent that not even decimals have.
        return float(digits)
