# SPDX-License-Identifier: Apache-2.0
"""The Lua sandbox: what comes out as it went in, and what must not get out at all."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import RequestRejected, SchemaViolation
from gateway.plugins.lua.values import load
from gateway.plugins.produce.lua import LuaFunctions, check_chunks
from tests.support.producing import request

IDENTITY = "return function(m) return m end"
MESSAGE: dict[str, Any] = {
    "method": "GET",
    "headers": {"host": "gw", "x-a": ["1", "2"]},
    "uri_args": {"x": ["1", True], "y": ""},
    "body": "é\u0000/",
    "body_args": {},
    "empty": [],
    "nothing": None,
    "numbers": [1, -2.5, 0, 9007199254740991],
}


def change(*chunks: str, message: Any = None, **limits: Any) -> bytes:
    asked = request("/kafka?x=1", headers=[("X-A", "1")])
    message = MESSAGE if message is None else message
    return LuaFunctions(chunks, **limits).change(message, asked)


def test_what_is_not_touched_comes_out_as_it_went_in() -> None:
    assert orjson.loads(change(IDENTITY)) == MESSAGE


def test_an_empty_list_stays_a_list_and_an_empty_table_an_object() -> None:
    assert change("return function(m) return {m.empty, m.body_args, {}} end") == b"[[],{},{}]"


def test_null_can_be_told_from_nothing() -> None:
    chunk = "return function(m) return {m.nothing == null, m.missing == nil, ngx.null} end"
    assert change(chunk) == b"[true,true,null]"


def test_whole_numbers_are_written_without_a_fraction() -> None:
    assert change("return function(m) return {1.0, 0.5, 2^52} end") == (b"[1,0.5,4503599627370496]")


def test_numbers_too_large_for_integers_are_kept_as_far_as_doubles_go() -> None:
    assert orjson.loads(change(IDENTITY, message={"n": 2**64 - 1})) == {"n": 2.0**64}


@pytest.mark.parametrize(
    "body",
    [
        "error('x')",
        "error({})",
        "return nil",
        "return function() end",
        "local t = {} t.t = t return t",
        "return {[1]=1,[3]=3}",
        "return '\\255' .. nil",
        "return {'\\255'}",
        "return {[true]=1}",
    ],
)
def test_a_failure_is_500_with_a_general_text(body: str) -> None:
    with pytest.raises(RequestRejected) as caught:
        change(f"return function(m) {body} end")
    assert (caught.value.status, caught.value.message) == (500, "An unexpected error occurred")


@pytest.mark.parametrize(
    "reach",
    [
        "io", "debug", "ffi", "jit", "package", "require", "load", "loadstring", "loadfile",
        "dofile", "python", "collectgarbage", "getfenv", "setfenv", "module", "newproxy",
        "coroutine", "os.execute", "os.getenv", "os.exit", "os.remove", "os.tmpname",
        "os.rename", "string.dump", "('').dump", "_G.io", "getmetatable('')",
        "getmetatable(null)",
    ],
)  # fmt: skip
def test_the_sandbox_holds_no_way_out(reach: str) -> None:
    assert change(f"return function(m) return tostring({reach}) end") == b"nil"


@pytest.mark.parametrize(
    "body",
    [
        "while true do end",
        "while true do pcall(function() while true do end end) end",
        "while true do xpcall(function() while true do end end, function() end) end",
        "xpcall(function() while true do end end, function() while true do end end)",
        "xpcall(error, function() while true do end end)",
        "local function f() return f() end f()",
        "for i = 1, 1e12 do end",
    ],
)
def test_time_is_bounded(body: str) -> None:
    with pytest.raises(RequestRejected):
        change(f"return function(m) {body} end", seconds=0.02)


@pytest.mark.parametrize(
    "body",
    [
        "local t = {} for i = 1, 1e9 do t[i] = {i} end",
        "return string.rep('a', 1e9)",
        "local s = 'a' while true do s = s .. s end",
    ],
)
def test_memory_is_bounded_and_the_next_record_works(body: str) -> None:
    chunk = f"return function(m) if m.bad then {body} end return m.body end"
    functions = LuaFunctions([chunk], memory=4_000_000, seconds=5)
    for _ in range(2):
        with pytest.raises(RequestRejected):
            functions.change({"bad": True}, request())
        assert functions.change({"body": "good"}, request()) == b"good"


HANGING = {
    "a table of tables of itself": "local t = {} for i = 1, 60 do t = {a=t, b=t} end return t",
    "a list of itself": "local t = {} for i = 1, 60 do t = {t, t} end return t",
    "a cycle": "local t = {} t.t = t return t",
    "a string that stands often": (
        "local s, t = ('x'):rep(1e6), {} for i = 1, 1e5 do t[i] = s end return t"
    ),
    "a key that is long and many": (
        "local s, t = ('x'):rep(1e6), {} for i = 1, 1e5 do t[i] = {[s] = 1} end return t"
    ),
    "more values than a record has": "local t = {} for i = 1, 1.5e5 do t[i] = i end return t",
    "a long subject": "return ('a'):rep(30e6):gsub('a*b', 'x')",
    "a long repetition": "return #(''):rep(1e9, 'x')",
    "lazy after lazy": "return ('a'):rep(1000):find('.-.-.-.-.-.-b')",
    "greedy after greedy": "return ('a'):rep(1000):match('.*.*.*.*.*.*b')",
    "optional after optional": "return ('a'):rep(50):match(('a?'):rep(50) .. ('a'):rep(51))",
    "captured again": "return tostring(('a'):rep(3e5):find('(.*)%1b'))",
    "balanced": "return tostring(('('):rep(2e6):find('%b()'))",
    "trimmed": "return ((' '):rep(3e5) .. 'x'):gsub('%s+$', '')",
    "taken apart": "for a in ('a'):rep(3e5):gmatch('a*a*b') do end return 1",
    "a needle as long as half the haystack": (
        "return tostring(('a'):rep(2e6):find(('a'):rep(1e6) .. 'b', 1, true))"
    ),
    "a replacement that grows": "return (('a'):rep(1e5):gsub('a', ('b'):rep(1e5)))",
    "a replacement from a table": ("return (('a'):rep(1e5):gsub('a', {a = ('b'):rep(1e6)}))"),
    "sorted long strings": (
        "local a, b, t = ('x'):rep(4e6) .. 'a', ('x'):rep(4e6) .. 'b', {}"
        " for i = 1, 3000 do t[i] = i % 2 == 0 and a or b end table.sort(t)"
    ),
    "long strings put together": (
        "local s = ('a'):rep(4e6) while true do local x = s .. os.clock() end"
    ),
    "long strings compared": (
        "local a, b = ('x'):rep(4e6), ('x'):rep(4e6 - 1) .. 'y' while true do local c = a < b end"
    ),
    "a list moved from far below": "table.insert({1}, -2e9, 1)",
    "a list moved from what is no number": "table.insert({1}, 0/0, 1)",
    "a list moved from a position in a string": "table.insert({1}, '-2000000000', 1)",
    "a long format of a date": "for i = 1, 20 do os.date(('%c'):rep(5e5)) end",
    "a repetition counted by a string": "return #(('a'):rep('30000000'))",
    "a repetition with a number between": "return #(''):rep(4e6, 1234567890)",
    "formatted inside formatting": (
        "local t = {} setmetatable(t, {__tostring = function(x) return ('%s'):format(x) end})"
        " return ('%s'):format(t)"
    ),
    "replaced inside replacements": (
        "local function f(s) return (s:gsub('.', f)) end return f('abc')"
    ),
    "the request asked for ever": "while true do kong.request.get_headers() end",
}


@pytest.mark.parametrize("body", HANGING.values(), ids=HANGING.keys())
def test_no_single_call_takes_for_ever(body: str) -> None:
    functions = LuaFunctions([f"return function(m) if m.bad then {body} end return m.body end"])
    with pytest.raises(RequestRejected) as caught:
        functions.change({"bad": True}, request())
    assert caught.value.status in (413, 500)
    assert functions.change({"body": "good"}, request()) == b"good"


def test_what_was_caught_inside_replacements_leaves_room_for_others() -> None:
    chunk = """return function(m)
      local function f(s)
        local ok, found = pcall(string.gsub, s, ".", f)
        return ok and found or "x"
      end
      local caught = 0
      for i = 1, 300 do
        if not pcall(string.gsub, "a", ".", function() error("no") end) then caught = caught + 1 end
      end
      return {f("a"), caught, (("a"):gsub("a", function() return "b" end))}
    end"""
    assert change(chunk) == b'["x",300,"b"]'


def test_the_handler_of_xpcall_hears_of_the_error_and_its_result_is_returned() -> None:
    chunk = """return function(m)
      local function handler(problem) return "handled " .. tostring(problem) end
      return {
        xpcall(error, handler, "this", 0), select("#", xpcall(function(a, b) return a, b end,
        handler, 1, nil)), select(2, xpcall(error, handler, "that", 0)),
        (xpcall(error, function() error("again") end)),
      }
    end"""
    assert change(chunk) == b'[false,3,"handled that",false]'


def test_a_message_of_too_many_values_is_413() -> None:
    with pytest.raises(RequestRejected) as caught:
        change(IDENTITY, message={"many": [0] * 150_000})
    assert caught.value.status == 413


@pytest.mark.parametrize(
    "text", [b"[" + b"[]," * 150_000 + b"[]]", b'["' + b" " * 3_000_000 + b'"]']
)
def test_a_message_that_is_too_large_or_many_is_413_before_its_values_are_made(
    text: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    functions = LuaFunctions([IDENTITY])
    monkeypatch.setattr(orjson, "loads", None)
    with pytest.raises(RequestRejected) as caught:
        functions.load(text)
    assert caught.value.status == 413


def test_commas_and_brackets_in_strings_are_no_values() -> None:
    text = orjson.dumps({"a": ",[{" * 100_000})
    assert LuaFunctions([IDENTITY]).load(text) == orjson.loads(text)


@pytest.mark.parametrize("depth", [250, 900, 999])
def test_deep_messages_come_through(depth: int) -> None:
    text = b"[" * depth + b"]" * depth
    message = b'{"a":' + text + b"}"
    assert LuaFunctions([IDENTITY]).change(load(message), request(), len(message)) == message


@pytest.mark.parametrize("number", ["1e400", "-2.50E+999", "9" * 310, "-" + "9" * 5000])
def test_numbers_that_no_double_holds_are_handed_through(number: str) -> None:
    text = f'[{number},{{"n":{number}}}]'.encode()
    assert LuaFunctions([IDENTITY]).change(load(text), request(), len(text)) == text
    asked = LuaFunctions(["return function(m) return tostring(m[1]) end"])
    assert asked.change(load(text), request(), len(text)) == number.encode()


@pytest.mark.parametrize("body", ["return {1/0}", "return {0/0}", "return -1/0"])
def test_numbers_that_json_does_not_have_are_a_failure(body: str) -> None:
    with pytest.raises(RequestRejected):
        change(f"return function(m) {body} end")


@given(st.lists(st.integers() | st.floats(allow_nan=False, allow_infinity=False), max_size=40))
def test_tables_are_sorted(values: list[Any]) -> None:
    numbers = [float(value) for value in values if abs(value) < 1e300]
    sort = "return function(m) table.sort(m) return m end"
    assert orjson.loads(change(sort, message=list(numbers))) == sorted(numbers)
    down = "return function(m) table.sort(m, function(a, b) return a > b end) return m end"
    assert orjson.loads(change(down, message=list(numbers))) == sorted(numbers, reverse=True)


def test_functions_of_one_plugin_share_no_globals_with_another_chunk() -> None:
    first = "x = 1 return function(m) string.upper = nil return m end"
    second = "return function(m) return {tostring(x), string.upper('a')} end"
    assert change(first, second) == b'["nil","A"]'


@pytest.mark.parametrize(
    ("chunk", "problem"),
    [
        ("return functio(m) end", "near"),
        ("return 1", "must return a function"),
        ("while true do end", "longer"),
        ("xpcall(error, function() while true do end end)", "longer"),
        ("error('at load')", "at load"),
        ("\x1bLJ", "bytecode"),
    ],
)
def test_a_wrong_chunk_is_named_when_it_is_configured(chunk: str, problem: str) -> None:
    with pytest.raises(SchemaViolation) as caught:
        check_chunks([IDENTITY, chunk])
    ((number, text),) = caught.value.fields["config"]["message_by_lua_functions"].items()
    assert number == "2"
    assert problem in text


def test_the_request_can_be_asked() -> None:
    chunk = (
        "return function(m) return {kong.request.get_method(), kong.request.get_path(),"
        " kong.request.get_header('x_a'), kong.request.get_query_arg('x'),"
        " kong.request.get_headers().host, kong.client.get_ip()} end"
    )
    assert orjson.loads(change(chunk)) == ["GET", "/kafka", "1", "1", "gw:8000", "127.0.0.1"]
