# SPDX-License-Identifier: Apache-2.0
"""Between JSON and Lua's tables, with bounds: a table may hold itself, or a string many times.

Neither way recurses, so how deep a message is nested does not matter to it. JSON's null is a value
of its own in Lua, lists carry a mark, and numbers that no double holds are handed through unread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite
from time import thread_time
from typing import Any

import orjson
from lupa import luajit21 as lupa

from gateway.errors import RequestRejected
from gateway.plugins.produce import json_text

MOST_VALUES = 10_000
"""Values that go into Lua, or come out of it, for one record."""

SECONDS = 0.2
"""Processor time that a result may take to become JSON."""

_Members = Iterator[tuple[bytes, Any]]
_EXACT = 2**53
"""Integers from here on are not all doubles."""


class Exact(str):
    """The text of a number that no double holds."""

    __slots__ = ()


def load(text: bytes) -> Any:
    """Return the values of a JSON text that is known to be correct; see ``Exact``."""
    return json_text.load(text, Exact)


def too_many_values() -> RequestRejected:
    """Return the refusal of a message for its number of values."""
    return RequestRejected(413, f"the message has more than {MOST_VALUES} values for Lua functions")


@dataclass(frozen=True)
class Sandbox:
    """What the sandbox gives to make values with."""

    table: Callable[[], Any]
    as_list: Callable[[Any], Any]
    """Marks a table as a list, and returns it."""
    is_list: Callable[[Any], bool]
    null: Any
    number: Callable[[bytes], Any]
    text_of: Callable[[Any], bytes | None]
    """The text of such a number; None for ``null``."""


class Bridge:
    """Makes Lua's values of JSON's and back. Raises ``RequestRejected`` (413) above the bounds."""

    def __init__(self, sandbox: Sandbox, deepest: int, largest: int) -> None:
        """``largest``: bytes of a result."""
        self._sandbox = sandbox
        self._deepest = deepest
        self._largest = largest

    def to_lua(self, value: Any) -> Any:
        """Return a value as Lua has it."""
        left = MOST_VALUES
        made, waiting = self._leaf(value)
        open_ = [waiting] if waiting is not None else []
        while open_:
            table, members = open_.pop()
            for key, member in members:
                left -= 1
                if left < 0:
                    raise too_many_values()
                table[key], waiting = self._leaf(member)
                if waiting is not None:
                    open_.append(waiting)
        return made

    def _leaf(self, value: Any) -> tuple[Any, tuple[Any, Iterator[tuple[Any, Any]]] | None]:
        """Return a value, and for a container the table with what is to be put into it."""
        kind = type(value)
        if kind is str:
            return value.encode(), None
        if kind is dict:
            table = self._sandbox.table()
            return table, (table, ((name.encode(), member) for name, member in value.items()))
        if kind is list or kind is tuple:
            table = self._sandbox.as_list(self._sandbox.table())
            return table, (table, iter(enumerate(value, 1)))
        if value is None:
            return self._sandbox.null, None
        if kind is Exact:
            return self._sandbox.number(value.encode()), None
        if kind is int:
            try:
                # LuaJIT's numbers are doubles; lupa takes no integers over 64 bits.
                return float(value), None
            except OverflowError:
                return self._sandbox.number(b"%d" % value), None
        return value, None

    def to_json(self, value: Any) -> bytes:
        """Return the JSON text of a value from Lua; raises ``TypeError`` for what has none."""
        parts: list[bytes] = []
        left, room = MOST_VALUES, self._largest
        end_of_time = thread_time() + SECONDS
        levels: list[tuple[_Members, bytes]] = [(iter([(b"", value)]), b"")]
        while levels:
            members, end = levels[-1]
            for prefix, member in members:
                left -= 1
                if left < 0:
                    raise TypeError(f"more than {MOST_VALUES} values in the result")
                if not left & 0xFF and thread_time() > end_of_time:
                    raise TypeError("the result takes longer than allowed")
                text = self._scalar(member, room)
                if text is None:
                    if len(levels) > self._deepest:
                        raise TypeError(f"the result is nested deeper than {self._deepest}")
                    inner, begin, close = self._open(member, left, room)
                    levels.append((inner, close))
                    text = begin
                parts += (prefix, text)
                room -= len(prefix) + len(text)
                if room < 0:
                    raise self._too_large()
                if levels[-1][0] is not members:
                    break
            else:
                levels.pop()
                parts.append(end)
        return b"".join(parts)

    def _scalar(self, value: Any, room: int) -> bytes | None:
        """Return the JSON text of what is no table; None for a table."""
        if isinstance(value, bytes):
            if len(value) > room:
                raise self._too_large()
            return orjson.dumps(value.decode())
        if isinstance(value, bool):
            return b"true" if value else b"false"
        if isinstance(value, float):
            if not isfinite(value):
                raise TypeError("a number that JSON does not have: not finite")
            value = int(value) if value.is_integer() and abs(value) < _EXACT else value
        if isinstance(value, int | float):
            return orjson.dumps(value)
        kind = lupa.lua_type(value)
        if kind == "userdata":
            return self._sandbox.text_of(value) or b"null"
        if kind != "table":
            raise TypeError(f"a {kind or 'nil'} in the result")
        return None

    def _open(self, table: Any, left: int, room: int) -> tuple[_Members, bytes, bytes]:
        """Return a table's members with what stands before each, and its brackets."""
        items: list[tuple[Any, Any]] = []
        for item in table.items():
            if len(items) >= left:
                raise TypeError(f"more than {MOST_VALUES} values in the result")
            if isinstance(item[1], bytes):
                # Lua's strings come as copies, one for each place where they stand.
                room -= len(item[1])
                if room < 0:
                    raise self._too_large()
            items.append(item)
        if self._sandbox.is_list(table) or (items and all(type(key) is int for key, _ in items)):
            items.sort(key=lambda item: item[0])
            if [key for key, _ in items] != list(range(1, len(items) + 1)):
                raise TypeError("a list with holes")
            return self._listed(items), b"[", b"]"
        return self._named(items, room), b"{", b"}"

    @staticmethod
    def _listed(items: list[tuple[Any, Any]]) -> _Members:
        for place, (_, member) in enumerate(items):
            yield b"," if place else b"", member

    def _named(self, items: list[tuple[Any, Any]], room: int) -> _Members:
        for place, (key, member) in enumerate(items):
            if isinstance(key, bytes) and len(key) > room:
                raise self._too_large()
            yield (b"," if place else b"") + orjson.dumps(_name(key)) + b":", member

    def _too_large(self) -> RequestRejected:
        return RequestRejected(
            413, f"the result of the Lua functions has more than {self._largest} bytes"
        )


def _name(key: Any) -> str:
    if isinstance(key, bytes):
        return key.decode()
    if isinstance(key, int | float) and not isinstance(key, bool):
        return str(key)
    raise TypeError("a key that is neither a string nor a number")
