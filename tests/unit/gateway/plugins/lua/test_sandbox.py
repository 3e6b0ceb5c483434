# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib
import threading
from typing import Any

import pytest
from lupa import luajit21 as lupa

from gateway.plugins.lua.sandbox import LuaSandbox, NotLua, kind_of


def made(*names: str, **options: Any) -> LuaSandbox:
    def call(name: bytes, *arguments: Any) -> Any:
        if name == b"request.get_header":
            raise ValueError("header name must be a string")
        return [name.decode(), len(arguments)]

    return LuaSandbox(names, call, **options)


def test_a_chunk_that_is_no_lua_says_what_is_wrong() -> None:
    with pytest.raises(NotLua, match="unexpected symbol near"):
        made().compile("print(", "x")


def test_calls_reach_python_and_come_back_as_values() -> None:
    sandbox = made("request.get_method")
    chunk = sandbox.compile("return kong.request.get_method('a', 2)[1]", "x")
    assert sandbox.run(chunk) == b"request.get_method"


def test_what_python_refuses_is_an_error_of_lua() -> None:
    sandbox = made("request.get_header")
    chunk = sandbox.compile("local ok, e = pcall(kong.request.get_header) return e", "x")
    assert b"header name must be a string" in sandbox.run(chunk)


@pytest.mark.parametrize("name", ["response.exit", "response.error"])
def test_an_exit_cannot_be_caught(name: str) -> None:
    sandbox = made(name)
    short = name.partition(".")[2]
    chunk = sandbox.compile(f"pcall(function() kong.response.{short}(1) end) return 'on'", "x")
    with pytest.raises(lupa.LuaError, match="ended"):
        sandbox.run(chunk)


def test_a_loop_ends() -> None:
    sandbox = made(seconds=0.02)
    with pytest.raises(lupa.LuaError, match="longer than allowed"):
        sandbox.run(sandbox.compile("while true do end", "x"))


def test_a_function_has_its_time_whatever_other_threads_take() -> None:
    stop = threading.Event()

    def burn() -> None:
        while not stop.is_set():
            hashlib.pbkdf2_hmac("sha256", b"a", b"b", 20_000)

    others = [threading.Thread(target=burn) for _ in range(6)]
    for thread in others:
        thread.start()
    sandbox = made(seconds=0.4)
    until = "local e = os.clock() + {} while os.clock() < e do end return 'on'"
    try:
        # The clock is that of the process: a seventh of it is this thread's.
        assert sandbox.run(sandbox.compile(until.format(0.6), "x")) == b"on"
        with pytest.raises(lupa.LuaError, match="longer than allowed"):
            sandbox.run(sandbox.compile(until.format(60), "x"))
    finally:
        stop.set()
        for thread in others:
            thread.join()


def test_templates_find_their_variables_and_hardly_anything_else() -> None:
    sandbox = made("request.get_method")
    sandbox.set_variables(sandbox.bridge.to_lua({"a": "1"}))
    for text, expected in (("a", b"1"), ("type(kong)", b"nil"), ("type(pcall)", b"nil")):
        assert sandbox.run(sandbox.compile(f"return {text}", "t", template=True)) == expected
    with pytest.raises(lupa.LuaError, match="read-only"):
        sandbox.run(sandbox.compile("b = 1", "t", template=True))


def test_headers_are_found_in_any_case() -> None:
    sandbox = made()
    table = sandbox.bridge.to_lua({"h": {"x-a": "1"}})
    sandbox.as_headers(table[b"h"])
    sandbox.set_variables(table)
    chunk = sandbox.compile("return h['X-A'] .. h.x_a .. tostring(h.other)", "t", template=True)
    assert sandbox.run(chunk) == b"11nil"


def test_modules_are_only_there_for_functions() -> None:
    plain = made()
    assert plain.run(plain.compile("return type(require)", "x")) == b"nil"
    full = made("response.exit", "service.request.set_header", "request.get_method")
    assert full.run(full.compile("return type(require('cjson').encode)", "x")) == b"function"
    with pytest.raises(lupa.LuaError, match="not allowed"):
        full.run(full.compile("require 'os'", "x"))


def test_the_kind_of_a_value_is_luas() -> None:
    sandbox = made()
    chunk = sandbox.compile("return function() end", "x")
    assert kind_of(sandbox.run(chunk)) == "function"
    assert kind_of(b"x") == "bytes"
