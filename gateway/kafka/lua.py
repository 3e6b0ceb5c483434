# SPDX-License-Identifier: Apache-2.0
"""``message_by_lua_functions``: Lua that changes a record, shut in (kafka-plugins.md §2.13).

LuaJIT with its compiler off, so that a count of instructions is kept; no access to files,
processes, the loader, the debugger, the FFI or Python; memory and time are bounded. Between Python
and Lua go only strings (bytes), numbers, booleans and tables; JSON's null is ``null``
(also ``ngx.null`` and ``cjson.null``), and lists keep a mark so that an empty one stays a list.

What is not bounded is a single call of a string function with a pattern that backtracks without
end: the time is looked at between Lua's instructions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from lupa import luajit21 as lupa

from gateway.errors import RequestRejected, SchemaViolation
from gateway.http.messages import Request
from gateway.kafka.arguments import parse

MEMORY = 32 * 1024**2
"""Bytes of Lua memory for the functions of one plugin."""
_HARD = 4
"""Times ``memory`` at which allocation itself fails. Far above, since lupa's own calls end the
process when they find no memory; it takes a single string operation to get there."""
_GROWTH = 32
"""Times its JSON text that a message takes as Lua tables, at worst."""
SECONDS = 0.1
"""Time for all functions of one record."""
_DEEPEST = 200
_FAILED = "An unexpected error occurred"

# The sandbox. A hook looks at the clock every thousand instructions; what it raises cannot be
# caught for good, since pcall and xpcall raise it again. string.rep is bounded by the memory limit.
_PRELUDE = b"""
local limit, most = ...
local sethook, getmetatable, setmetatable = debug.sethook, getmetatable, setmetatable
local error, pcall, xpcall, select, unpack = error, pcall, xpcall, select, unpack
local type, loadstring, setfenv, clock = type, loadstring, setfenv, os.clock
local collectgarbage = collectgarbage
jit.off()
jit.flush()

local deadline = 0
local exceeded
local function check()
  if clock() > deadline then
    exceeded = "took longer than allowed"
  elseif collectgarbage("count") * 1024 > most then
    collectgarbage()
    if collectgarbage("count") * 1024 > most then exceeded = "took more memory than allowed" end
  end
  if exceeded then error(exceeded, 0) end
end
local function again(ok, ...)
  check()
  return ok, ...
end
local function copy(from)
  local to = {}
  for name, value in pairs(from) do to[name] = value end
  return to
end

local array_mark, null = {}, newproxy(true)
getmetatable(null).__tostring = function() return "null" end
getmetatable(null).__metatable = false
array_mark.__metatable = "array"

local strings = copy(string)
strings.dump = nil
getmetatable("").__index = strings
getmetatable("").__metatable = false

local kong, call_kong = {client = {}, request = {}, log = {}}, nil
local function forward(group, name)
  kong[group][name] = function(...) return call_kong(group, name, ...) end
end
for _, name in ipairs{"get_consumer", "get_credential", "get_ip", "get_forwarded_ip"} do
  forward("client", name)
end
for _, name in ipairs{"get_method", "get_path", "get_raw_query", "get_query", "get_query_arg",
                      "get_header", "get_headers", "get_raw_body", "get_host"} do
  forward("request", name)
end
for _, name in ipairs{"debug", "info", "notice", "warn", "err", "crit"} do
  kong.log[name] = function() end
end

local function environment()
  local env = {
    assert = assert, error = error, ipairs = ipairs, next = next, pairs = pairs, select = select,
    tonumber = tonumber, tostring = tostring, type = type, unpack = unpack, _VERSION = _VERSION,
    rawequal = rawequal, rawget = rawget, rawset = rawset,
    math = copy(math), table = copy(table), string = copy(strings),
    bit = bit and copy(bit) or nil,
    os = {time = os.time, clock = os.clock, date = os.date, difftime = os.difftime},
    null = null, ngx = {null = null, time = os.time, now = os.time}, cjson = {null = null},
    kong = kong,
    pcall = function(f, ...) return again(pcall(f, ...)) end,
    xpcall = function(f, handler, ...) return again(xpcall(f, handler, ...)) end,
    getmetatable = function(value)
      if type(value) ~= "table" then return nil end
      return getmetatable(value)
    end,
    setmetatable = function(value, meta)
      if meta ~= nil and meta.__gc ~= nil then error("__gc is not allowed") end
      return setmetatable(value, meta)
    end,
  }
  env.string.dump = nil
  env._G = env
  return env
end

local function compile(source, name)
  if source:byte(1) == 27 then return nil, "no bytecode" end
  local chunk, problem = loadstring(source, name)
  if not chunk then return nil, problem end
  setfenv(chunk, environment())
  return chunk
end

local function run(f, ...)
  deadline, exceeded = clock() + limit, nil
  sethook(check, "", 1000)
  local ok, result = pcall(f, ...)
  sethook()
  if not ok then
    collectgarbage()
    if type(result) ~= "string" then result = "a Lua error that is no string" end
    error(result, 0)
  end
  return result
end

return compile, run, array_mark, null, function(f) call_kong = f end, setmetatable,
  function(value) return getmetatable(value) == "array" end, collectgarbage
"""


class LuaFunctions:
    """The functions of one plugin. Raises ``SchemaViolation`` when a chunk is not Lua.

    A chunk returns a function of one argument; each gets the result of the one before.
    """

    def __init__(
        self, chunks: Sequence[str], *, seconds: float = SECONDS, memory: int = MEMORY
    ) -> None:
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
        prelude = self._runtime.execute(_PRELUDE, self._seconds, self._memory)
        compile_, self._run, self._array, self._null, set_kong, *rest = prelude
        self._mark, self._is_array, self._collect = rest
        set_kong(self._kong)
        self._functions = [
            self._load(compile_, chunk, number) for number, chunk in enumerate(self._chunks, 1)
        ]

    def change(self, message: dict[str, Any] | bytes, request: Request) -> bytes:
        """Return the record's value: a string as it is, anything else as JSON.

        Raises ``RequestRejected`` (500, Kong's general text) when a function fails, takes too long
        or returns what JSON cannot hold.
        """
        size = len(message if isinstance(message, bytes) else orjson.dumps(message))
        if size * _GROWTH > (_HARD - 2) * self._memory:
            raise RequestRejected(413, "the message is too large for Lua functions")
        self._make_room()
        self._request = request
        try:
            value = self._to_lua(message)
            for function in self._functions:
                value = self._run(function, value)
            if isinstance(value, bytes):
                return value
            return orjson.dumps(self._to_python(value))
        except (lupa.LuaError, MemoryError, UnicodeDecodeError, TypeError) as error:
            raise RequestRejected(500, _FAILED) from error
        finally:
            self._request = None

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

    def _to_lua(self, value: Any) -> Any:
        if isinstance(value, str):
            return value.encode()
        if value is None:
            return self._null
        if isinstance(value, dict):
            table = self._runtime.table()
            for name, member in value.items():
                table[name.encode()] = self._to_lua(member)
            return table
        if isinstance(value, list | tuple):
            table = self._runtime.table()
            for number, member in enumerate(value, 1):
                table[number] = self._to_lua(member)
            return self._mark(table, self._array)
        if type(value) is int:
            # LuaJIT's numbers are doubles anyway; lupa takes no integers over 64 bits.
            return float(value)
        return value

    def _to_python(self, value: Any, depth: int = 0) -> Any:
        if isinstance(value, bytes):
            return value.decode()
        if isinstance(value, float):
            return int(value) if value.is_integer() and abs(value) < 2**53 else value
        if isinstance(value, bool | int):
            return value
        kind = lupa.lua_type(value)
        if kind == "userdata":
            # There is only one in the sandbox.
            return None
        if kind != "table" or depth > _DEEPEST:
            raise TypeError("not serialisable")
        items = list(value.items())
        if self._is_array(value) or (items and all(type(key) is int for key, _ in items)):
            if sorted(key for key, _ in items) != list(range(1, len(items) + 1)):
                raise TypeError("a list with holes")
            return [self._to_python(member, depth + 1) for _, member in sorted(items, key=_place)]
        return {_name(key): self._to_python(member, depth + 1) for key, member in items}

    def _kong(self, group: bytes, name: bytes, *arguments: Any) -> Any:
        """Answer ``kong.client.…`` and ``kong.request.…`` for the request at hand."""
        request = self._request
        if request is None:
            return None
        found = _PDK[group.decode(), name.decode()](request, *arguments)
        return None if found is None else self._to_lua(found)


def check_chunks(chunks: Sequence[str]) -> None:
    """Raise ``SchemaViolation`` for chunks that are not Lua or return no function."""
    LuaFunctions(chunks)


def _not_lua(number: int, problem: str) -> SchemaViolation:
    return SchemaViolation(
        {"config": {"message_by_lua_functions": {str(number): problem}}}, "plugin"
    )


def _no_attributes(owner: object, name: object, setting: bool) -> Any:
    raise AttributeError("not from Lua")


def _place(item: tuple[Any, Any]) -> Any:
    return item[0]


def _name(key: Any) -> str:
    if isinstance(key, bytes):
        return key.decode()
    if isinstance(key, int | float) and not isinstance(key, bool):
        return str(key)
    raise TypeError("not serialisable")


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")


def _headers(request: Request, *_: Any) -> dict[str, Any]:
    from gateway.kafka.envelope import header_table

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
    ("request", "get_method"): lambda request: _text(request.method),
    ("request", "get_path"): lambda request: _text(request.path),
    ("request", "get_raw_query"): lambda request: _text(request.query or b""),
    ("request", "get_query"): lambda request, *_: parse(request.query),
    ("request", "get_query_arg"): _query_argument,
    ("request", "get_header"): _header,
    ("request", "get_headers"): _headers,
    ("request", "get_raw_body"): lambda request, *_: _text(request.body),
    ("request", "get_host"): lambda request: _text(request.host),
}
