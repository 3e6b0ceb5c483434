# SPDX-License-Identifier: Apache-2.0
"""Members of a JSON object, with the place of each in the text.

A parser that makes a dictionary would keep one of two equal names, and could not give back the
text of the others: numbers with all their digits, half surrogate pairs, repeated names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from typing import Any

from gateway.errors import RequestRejected
from gateway.plugins.key_auth.places import SEVERAL, Place, Spans, too_many

MOST = 5000
"""Members looked through: 6 ms."""
# ``len``: a number is no key, and making one of a thousand digits would take long.
_DECODER = json.JSONDecoder(parse_float=len, parse_int=len, parse_constant=len)
_OPENING = re.compile(r"[ \t\n\r]*\{[ \t\n\r]*")
_NAME = re.compile(r'[ \t\n\r]*("[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*")[ \t\n\r]*:[ \t\n\r]*')
_ENDING = re.compile(r"[ \t\n\r]*([,}])")
_REST = re.compile(r"[ \t\n\r]*")


def members(text: str, names: Collection[str]) -> list[Place]:
    """Return the members under these names, each with one comma beside it; places in characters.

    Nothing for what is no JSON object. Raises ``RequestRejected`` (400) for one that is too deep or
    has too many members to be looked through.
    """
    found: list[Place] = []
    spans = Spans(text.find("{") + 1)
    try:
        for begin, end, name, value in _members(text):
            if name in names:
                found.append(Place(name, _keys(value), *spans.of(begin, end, text[end] == ",")))
    except RecursionError:
        raise RequestRejected(400, "the request's body is nested too deep") from None
    except ValueError:
        return []
    return found


def _members(text: str) -> Iterator[tuple[int, int, str, Any]]:
    """Yield begin, end, name and value of each member; raises ``ValueError`` for bad JSON."""
    opening = _OPENING.match(text)
    if opening is None:
        raise ValueError("no object")
    at = opening.end()
    if text[at : at + 1] == "}":
        return
    begin = text.index("{") + 1
    for _ in range(MOST):
        name = _NAME.match(text, at)
        if name is None:
            raise ValueError("no name")
        value, end = _DECODER.raw_decode(text, name.end())
        ending = _ENDING.match(text, end)
        if ending is None:
            raise ValueError("no end")
        yield begin, ending.start(1), json.loads(name[1]), value
        begin = at = ending.end()
        if ending[1] == "}":
            if _REST.fullmatch(text, at) is None:
                raise ValueError("more behind the object")
            return
    raise too_many("members in the body's JSON object", MOST)


def _keys(value: Any) -> tuple[bytes, ...]:
    if isinstance(value, str):
        # JSON may hold half a surrogate pair, which no key does.
        return (value.encode(errors="replace"),)
    return SEVERAL if isinstance(value, list | dict) else ()
