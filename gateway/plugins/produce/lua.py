# SPDX-License-Identifier: Apache-2.0
"""``message_by_lua_functions``: Lua that changes a record, in the sandbox."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from gateway.errors import RequestRejected, SchemaViolation
from gateway.http.messages import Request
from gateway.plugins.lua.reads import READS
from gateway.plugins.lua.sandbox import FAILURES, HARD, MEMORY, SECONDS, LuaSandbox, NotLua, kind_of
from gateway.plugins.lua.values import MOST_VALUES, load, too_many_values
from gateway.plugins.produce import json_text

_GROWTH = 32
"""Times its JSON text that a message takes as Lua tables, at worst."""
_FAILED = "An unexpected error occurred"


class LuaFunctions:
    """The functions of one plugin. Raises ``SchemaViolation`` when a chunk is not Lua.

    A chunk returns a function of one argument; each gets the result of the one before.
    """

    def __init__(
        self,
        chunks: Sequence[str],
        *,
        seconds: float = SECONDS,
        memory: int = MEMORY,
        deepest: int = 1000,
        field: str = "message_by_lua_functions",
    ) -> None:
        """``deepest``: tables inside each other that a result may have.

        ``field``: that of the configuration, for texts about what is wrong.
        """
        self._field = field
        self._deepest = deepest
        self._chunks = list(chunks)
        self._seconds, self._memory = seconds, memory
        self._request: Request | None = None
        self._begin()

    def _begin(self) -> None:
        """Make a runtime and load the functions into it."""
        self._sandbox = LuaSandbox(
            READS, self._kong, seconds=self._seconds, memory=self._memory, deepest=self._deepest
        )
        self._functions = [
            self._load(chunk, number) for number, chunk in enumerate(self._chunks, 1)
        ]

    def load(self, text: bytes) -> Any:
        """Return the values of a message's JSON text; it is known to be correct.

        Raises ``RequestRejected`` (413) for a message that ``change`` would not take, at little
        cost: its values alone may take a second to be made.
        """
        self._check_size(len(text))
        if json_text.members(text, MOST_VALUES) > MOST_VALUES:
            raise too_many_values()
        return load(text)

    def change(
        self,
        message: dict[str, Any] | bytes,
        request: Request,
        size: int | None = None,
        *,
        text: bool = True,
    ) -> bytes:
        """Return the record's value: a string as it is (``text``), anything else as JSON.

        ``size``: bytes of the message as JSON, where they are known. Raises ``RequestRejected``:
        413 for a message or a result that is too large, 500 with Kong's general text when a
        function fails, takes too long or returns what JSON cannot hold.
        """
        if size is None:
            size = len(message if isinstance(message, bytes) else orjson.dumps(message))
        self._check_size(size)
        self._make_room()
        self._request = request
        try:
            bridge = self._sandbox.bridge
            value = message if isinstance(message, bytes) else bridge.to_lua(message)
            for function in self._functions:
                value = self._sandbox.run(function, value)
            return value if text and isinstance(value, bytes) else bridge.to_json(value)
        except FAILURES as error:
            raise RequestRejected(500, _FAILED) from error
        finally:
            self._request = None

    def _check_size(self, size: int) -> None:
        if size * _GROWTH > (HARD - 2) * self._memory:
            raise RequestRejected(413, "the message is too large for Lua functions")

    def _make_room(self) -> None:
        """See to it that a message fits in: collect what was left, or begin anew."""
        if self._sandbox.used > self._memory // 2:
            self._sandbox.collect()
            if self._sandbox.used > self._memory:
                self._begin()

    def _load(self, chunk: str, number: int) -> Any:
        try:
            found = self._sandbox.compile(chunk, f"{self._field}[{number}]")
            function = self._sandbox.run(found)
        except (NotLua, *FAILURES) as error:
            raise _not_lua(self._field, number, str(error).partition("\n")[0]) from None
        if kind_of(function) != "function":
            raise _not_lua(self._field, number, "must return a function")
        return function

    def _kong(self, name: bytes, *arguments: Any) -> Any:
        """Answer ``kong.client.…`` and ``kong.request.…`` for the request at hand."""
        request = self._request
        return None if request is None else READS[name.decode()](request, *arguments)


def check_chunks(chunks: Sequence[str], field: str = "message_by_lua_functions") -> None:
    """Raise ``SchemaViolation`` for chunks that are not Lua or return no function."""
    LuaFunctions(chunks, field=field)


def _not_lua(field: str, number: int, problem: str) -> SchemaViolation:
    return SchemaViolation({"config": {field: {str(number): problem}}}, "plugin")
