# SPDX-License-Identifier: Apache-2.0
"""Changes of a JSON object that touch nothing else in it: other values stay as they were written.

Each level on the way to a value is cut into the texts of its members, without reading them, so
numbers stay exact and a large body costs little.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import isfinite
from typing import NamedTuple

import msgspec
import orjson

from gateway.errors import BodyUnreadable
from gateway.plugins.produce import json_text

DEEPEST = 500
"""Arrays and objects inside each other in a body that is changed."""
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode
_BLANKS = b" \t\r\n"
FALSE_OR_NULL = (b"false", b"null")
"""Values that count as absent in requests."""
FALSE = (b"false",)
"""Those in responses."""
_STEP = re.compile(r"([^\[\]]*)((?:\[(?:\*|[1-9][0-9]*)\])*)")
_INDEX = re.compile(r"\[(\*|[0-9]+)\]")

Change = Callable[[bytes | None], bytes | None]
"""From the text of a value to another; None: it is not there."""


class Element(NamedTuple):
    """The number of an element, from 1; 0 is all of them."""

    number: int


Path = tuple[str | Element, ...]


def path_of(name: str, *, nested: bool) -> Path:
    """Return the way to a value: one name, or with ``nested`` one like ``a.b[*].c[1]``."""
    if not nested:
        return (name,)
    steps: list[str | Element] = []
    for part in name.split("."):
        found = _STEP.fullmatch(part)
        if found is None:
            steps.append(part)
            continue
        if found[1] or not found[2]:
            steps.append(found[1])
        steps += [Element(0 if index == "*" else int(index)) for index in _INDEX.findall(found[2])]
    return tuple(steps)


class JsonObject:
    """A JSON object under change; raises ``BodyUnreadable`` for what is none."""

    def __init__(self, text: bytes) -> None:
        try:
            json_text.check(text, DEEPEST)
            text.decode()
            self._top: dict[str, bytes] = _cut(text)
        except ValueError as error:
            raise BodyUnreadable(f"the body is no JSON object: {error}") from None
        self._text = text
        self._changed = False

    def names(self) -> list[str]:
        """Return the names of the object's members."""
        return list(self._top)

    def edit(self, path: Path, change: Change) -> None:
        """Change the value, or the values, at the end of a path."""
        if not path or not isinstance(path[0], str):
            return
        first, rest = path[0], path[1:]
        before = self._top.get(first)
        after = change(before) if not rest else _edited(before, rest, change)
        if after == before:
            return
        self._changed = True
        if after is None:
            self._top.pop(first, None)
        else:
            self._top[first] = after

    def find(self, path: Path) -> bytes | None:
        """Return the text of one value; None where it is not there."""
        value: bytes | None = None
        for place, step in enumerate(path):
            if place == 0:
                value = self._top.get(step) if isinstance(step, str) else None
            else:
                value = _step(value, step)
            if value is None:
                return None
        return value

    def encode(self) -> bytes:
        """Return the object's text: as it was written where nothing was changed."""
        return _joined(self._top) if self._changed else self._text


def is_set(text: bytes | None, unset: tuple[bytes, ...] = FALSE_OR_NULL) -> bool:
    """Whether a value is there and none of those that count as absent."""
    return text is not None and text not in unset


def appended(text: bytes | None, value: bytes) -> bytes:
    """Return a list with one value more: a text becomes a list of both."""
    if text is None or text[:1] not in (b'"', b"[", b"{"):
        return b"[" + value + b"]"
    if text[:1] != b"[":
        return b"[" + text + b"," + value + b"]"
    inner = text[1:-1].strip(_BLANKS)
    return b"[" + inner + b"," + value + b"]" if inner else b"[" + value + b"]"


def typed(value: str, kind: str | None) -> bytes | None:
    """Return the JSON text of a configured value; None for a number that is none."""
    if kind == "number":
        return _number(value.strip())
    if kind == "boolean":
        return b"true" if value == "true" else b"false"
    return orjson.dumps(value)


def _number(text: str) -> bytes | None:
    if _NUMBER.fullmatch(text):
        return text.encode()
    try:
        number = float(text.replace("_", "x"))
    except ValueError:
        return None
    return orjson.dumps(number) if isfinite(number) else None


_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


def _cut(text: bytes) -> dict[str, bytes]:
    found = _members(text)
    return {name: bytes(value).strip(_BLANKS) for name, value in found.items()}


def _joined(members: dict[str, bytes]) -> bytes:
    return b"{" + b",".join([orjson.dumps(n) + b":" + v for n, v in members.items()]) + b"}"


def _step(value: bytes | None, step: str | Element) -> bytes | None:
    if value is None:
        return None
    if isinstance(step, str):
        return _cut(value).get(step) if value[:1] == b"{" else None
    if value[:1] != b"[":
        return None
    elements = _elements(value)
    if not 0 < step.number <= len(elements):
        return None
    return bytes(elements[step.number - 1]).strip(_BLANKS)


def _edited(text: bytes | None, path: Path, change: Change) -> bytes | None:
    """Change what lies below a value; objects on the way are made where something is set."""
    step, rest = path[0], path[1:]

    def below(value: bytes | None) -> bytes | None:
        return _edited(value, rest, change) if rest else change(value)

    if isinstance(step, str):
        if text is None or text[:1] == b"{":
            members = {} if text is None else _cut(text)
            after = below(members.get(step))
            if after is None:
                members.pop(step, None)
                return None if text is None else _joined(members)
            return _joined({**members, step: after})
        return text
    if text is None or text[:1] != b"[":
        return text
    elements = [bytes(element).strip(_BLANKS) for element in _elements(text)]
    changed = [
        below(element) if step.number in (0, place) else element
        for place, element in enumerate(elements, 1)
    ]
    return b"[" + b",".join([element for element in changed if element is not None]) + b"]"
