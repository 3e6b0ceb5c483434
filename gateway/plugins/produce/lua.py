# SPDX-License-Identifier: Apache-2.0
"""``message_by_lua_functions``: Lua that changes a record, shut in.

LuaJIT with its compiler off, so that a count of instructions is kept; no access to files,
processes, the loader, the debugger, the FFI or Python; memory and time are bounded. Between Python
and Lua go only strings (bytes), numbers, booleans and tables, in bounded numbers
(``lua_values``). JSON's null is ``null`` (also ``ngx.null`` and ``cjson.null``).

Time is looked at between Lua's instructions. So no single call into C may take long: strings are
bounded, patterns whose worst case is not cheap are matched in Lua, and so are tables sorted.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
from lupa import luajit21 as lupa

from gateway.errors import RequestRejected, SchemaViolation
from gateway.http.arguments import parse
from gateway.http.messages import Request
from gateway.plugins.produce import json_text
from gateway.plugins.produce.envelope import header_table
from gateway.plugins.produce.lua_values import MOST_VALUES, Bridge, Sandbox, load, too_many_values

MEMORY = 32 * 1024**2
"""Bytes of Lua memory for the functions of one plugin."""
_HARD = 4
"""Times ``memory`` at which allocation itself fails. Far above, since lupa's own calls end the
process when they find no memory; it takes a single string operation to get there."""
_GROWTH = 32
"""Times its JSON text that a message takes as Lua tables, at worst."""
SECONDS = 0.1
"""Time for all functions of one record."""
LARGEST = 8 * 1024**2
"""Bytes of a result; what a record may have is looked at where it is sent."""
_LONGEST_STRING = 4 * 1024**2
"""Bytes of a string that Lua's string functions take or make."""
_FAILED = "An unexpected error occurred"
_SANDBOX = (Path(__file__).parent / "sandbox.lua").read_bytes()
_PATTERNS = (Path(__file__).parent / "patterns.lua").read_bytes()


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
    ) -> None:
        """``deepest``: tables inside each other that a result may have."""
        self._deepest = deepest
        self._chunks = list(chunks)
        self._seconds, self._memory = seconds, memory
        self._request: Request | None = None
        self._begin()

    def _begin(self) -> None:
        """Make a runtime and load the functions into it."""
        self._runtime = lupa.LuaRuntime(
            encoding=None,
            unpack_returned_tuples=True,
            register_eval=False,
            register_builtins=False,
            attribute_filter=_no_attributes,
            max_memory=_HARD * self._memory,
        )
        runtime = self._runtime
        compile_, self._run, mark, null, set_kong, set_metatable, *rest = runtime.execute(
            _SANDBOX, self._seconds, self._memory, _LONGEST_STRING, runtime.compile(_PATTERNS)
        )
        is_list, self._collect, number, text_of = rest
        sandbox = Sandbox(
            runtime.table,
            lambda table: set_metatable(table, mark),
            is_list,
            null,
            number,
            text_of,
        )
        self._bridge = Bridge(sandbox, self._deepest, LARGEST)
        set_kong(self._kong)
        self._functions = [
            self._load(compile_, chunk, number) for number, chunk in enumerate(self._chunks, 1)
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
        self, message: dict[str, Any] | bytes, request: Request, size: int | None = None
    ) -> bytes:
        """Return the record's value: a string as it is, anything else as JSON.

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
            value = message if isinstance(message, bytes) else self._bridge.to_lua(message)
            for function in self._functions:
                value = self._run(function, value)
            return value if isinstance(value, bytes) else self._bridge.to_json(value)
        except (lupa.LuaError, MemoryError, UnicodeDecodeError, TypeError) as error:
            raise RequestRejected(500, _FAILED) from error
        finally:
            self._request = None

    def _check_size(self, size: int) -> None:
        if size * _GROWTH > (_HARD - 2) * self._memory:
            raise RequestRejected(413, "the message is too large for Lua functions")

    def _make_room(self) -> None:
        """See to it that a message fits in: collect what was left, or begin anew."""
        if self._runtime.get_memory_used() > self._memory // 2:
            self._collect()
            if self._runtime.get_memory_used() > self._memory:
                self._begin()

    def _load(self, compile_: Any, chunk: str, number: int) -> Any:
        found = compile_(chunk.encode(), b"=message_by_lua_functions[%d]" % number)
        if isinstance(found, tuple):
            raise _not_lua(number, found[1].decode("utf-8", "replace"))
        try:
            function = self._run(found)
        except lupa.LuaError as error:
            raise _not_lua(number, str(error).partition("\n")[0]) from None
        if lupa.lua_type(function) != "function":
            raise _not_lua(number, "must return a function")
        return function

    def _kong(self, group: bytes, name: bytes, *arguments: Any) -> Any:
        """Answer ``kong.client.…`` and ``kong.request.…`` for the request at hand."""
        request = self._request
        if request is None:
            return None
        found = _PDK[group.decode(), name.decode()](request, *arguments)
        return None if found is None else self._bridge.to_lua(found)


def check_chunks(chunks: Sequence[str]) -> None:
    """Raise ``SchemaViolation`` for chunks that are not Lua or return no function."""
    LuaFunctions(chunks)


def _not_lua(number: int, problem: str) -> SchemaViolation:
    return SchemaViolation(
        {"config": {"message_by_lua_functions": {str(number): problem}}}, "plugin"
    )


def _no_attributes(owner: object, name: object, setting: bool) -> Any:
    raise AttributeError("not from Lua")


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")


def _headers(request: Request, *_: Any) -> dict[str, Any]:
    return header_table(request.headers)


def _header(request: Request, name: bytes = b"", *_: Any) -> str | None:
    return _text(request.header(name.lower().replace(b"_", b"-")) or request.header(name.lower()))


def _query_argument(request: Request, name: bytes = b"", *_: Any) -> Any:
    found = parse(request.query).get(name.decode("utf-8", "replace"))
    return found[0] if isinstance(found, list) else found


def _entity(entity: Any) -> dict[str, Any] | None:
    """Return a consumer or credential as plain data, without what is secret."""
    if entity is None:
        return None
    data = dict(entity) if hasattr(entity, "keys") else dict(vars(entity))
    hidden = ("key", "secret", "password")
    return {
        name: value
        for name, value in data.items()
        if name not in hidden and isinstance(value, str | int | float | bool | list | dict)
    }


_PDK: dict[tuple[str, str], Any] = {
    ("client", "get_consumer"): lambda request: _entity(request.consumer),
    ("client", "get_credential"): lambda request: _entity(request.credential),
    ("client", "get_ip"): lambda request: request.connection.peer[0],
    ("client", "get_forwarded_ip"): lambda request: request.client_ip,
    ("request", "get_method"): lambda request: _text(request.upstream_method or request.method),
    ("request", "get_path"): lambda request: _text(request.path),
    ("request", "get_raw_query"): lambda request: _text(request.query or b""),
    ("request", "get_query"): lambda request, *_: parse(request.query),
    ("request", "get_query_arg"): _query_argument,
    ("request", "get_header"): _header,
    ("request", "get_headers"): _headers,
    ("request", "get_raw_body"): lambda request, *_: _text(request.body),
    ("request", "get_host"): lambda request: _text(request.host),
}
