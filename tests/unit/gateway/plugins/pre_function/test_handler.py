# SPDX-License-Identifier: Apache-2.0
"""Lua in each phase, over real sockets."""

from __future__ import annotations

import logging
from typing import Any

import orjson
import pytest

from gateway.errors import ReleaseRefused
from tests.support.http import ReceivedResponse
from tests.support.policies import PolicyGateway, policy_gateway
from tests.support.upstream import answering, ok

NAME = "pre-function"


async def access(
    chunk: str, target: str = "/", *lines: str, **asked: Any
) -> tuple[PolicyGateway, ReceivedResponse]:
    async with policy_gateway((NAME, {"access": [chunk]})) as gateway:
        return gateway, await gateway.ask(target, *lines, **asked)


@pytest.mark.parametrize(
    ("chunk", "status", "body"),
    [
        ("kong.response.exit(403, {message='no'})", 403, b'{"message":"no"}'),
        ("kong.response.exit(200, 'text')", 200, b"text"),
        ("kong.response.exit(404)", 404, b""),
        ("kong.response.error(401)", 401, b'{"message":"Unauthorized"}'),
        ("kong.response.error(418, 'tea')", 418, b'{"message":"tea"}'),
        ("ngx.exit(429)", 429, b""),
        ("pcall(kong.response.exit, 403)", 403, b""),
    ],
)
async def test_a_chunk_ends_the_request(chunk: str, status: int, body: bytes) -> None:
    gateway, response = await access(chunk + " kong.service.request.set_header('x', '1')")
    assert (response.status, response.body) == (status, body)
    assert gateway.seen == []


async def test_an_exit_has_headers_and_a_type() -> None:
    _, response = await access(
        "kong.response.set_header('X-Before', 'b')"
        "kong.response.exit(200, {a = 1}, {['X-A'] = {'1', '2'}, ['content-length'] = '99'})"
    )
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.head.count(b"\r\nX-A: ") == 2
    assert response.headers["x-before"] == "b"
    assert response.headers["content-length"] == "7"


@pytest.mark.parametrize(
    "chunk",
    [
        "error('boom')",
        "kong.response.error(200)",
        "kong.response.error(600)",
        "kong.response.exit(199)",
        "local x = nil; x.y = 1",
        "while true do end",
        "kong.service.request.set_header('a b', '1')",
        "kong.service.request.set_path('no-slash')",
        "kong.service.request.set_method('get')",
        "kong.response.exit('x')",
        "kong.response.exit(99)",
        "require 'os'",
        "io.open('/etc/passwd')",
        "kong.response.get_status()",
    ],
)
async def test_a_chunk_that_fails_is_a_500(chunk: str) -> None:
    gateway, response = await access(chunk)
    assert response.status == 500
    assert gateway.seen == []


async def test_a_request_is_changed() -> None:
    gateway, _ = await access(
        """
        local up = kong.service.request
        up.set_method('PUT')
        up.set_path('/new place')
        up.set_query({b = 'x y', a = {1, 2}, flag = true})
        up.set_header('X-Set', 'one')
        up.add_header('X-Set', 'two')
        up.set_headers({['X-More'] = kong.request.get_header('x-in')})
        up.clear_header('X-Gone')
        up.set_header('Host', 'other.test')
        up.set_header('Content-Length', '99')
        up.set_raw_body(kong.request.get_raw_body() .. '!')
        """,
        "/old?x=1",
        "X-In: 5",
        "X-Gone: 1",
        method="POST",
        body=b"body",
    )
    assert gateway.line == "PUT /new%20place?a=1&a=2&b=x%20y&flag HTTP/1.1"
    assert gateway.header("x-set") == ["one", "two"]
    assert gateway.header("x-more") == ["5"]
    assert gateway.header("x-gone") == []
    assert gateway.header("host") == ["other.test"]
    assert gateway.body == b"body!"
    assert gateway.header("content-length") == ["5"]


async def test_nothing_that_lua_sets_becomes_a_line() -> None:
    gateway, response = await access(
        r"""
        local evil = 'a\r\nX-Evil: 1'
        kong.service.request.set_header('X-A', evil)
        kong.service.request.set_path('/' .. evil)
        kong.service.request.set_raw_query(evil)
        kong.service.request.set_header('Host', evil)
        """
    )
    assert response.status == 200
    assert gateway.header("x-evil") == []
    assert gateway.line.count(" ") == 2


async def test_bodies_are_made_of_tables() -> None:
    gateway, _ = await access(
        "kong.service.request.set_body({a = {1, 2}}, 'application/json')", method="POST", body=b"x"
    )
    assert gateway.json == {"a": [1, 2]}
    assert gateway.header("content-type") == ["application/json"]


async def test_what_a_chunk_reads() -> None:
    chunk = """
        local found = {
          method = kong.request.get_method(), path = kong.request.get_path(),
          query = kong.request.get_query(), header = kong.request.get_headers()['X-In'],
          ip = kong.client.get_ip(), var = ngx.var.http_x_in, arg = ngx.var.arg_q,
          uri = ngx.var.request_uri, route = kong.router.get_route().name,
          body = kong.request.get_body(), json = require('cjson').decode('[1]'),
        }
        kong.response.exit(200, require('cjson.safe').encode(found))
    """
    _, response = await access(
        chunk, "/a?q=1", "X-In: 5", "Content-Type: application/json", method="POST", body=b'{"b":1}'
    )
    assert orjson.loads(response.body) == {
        "method": "POST", "path": "/a", "query": {"q": "1"}, "header": "5", "ip": "127.0.0.1",
        "var": "5", "arg": "1", "uri": "/a?q=1", "route": "r", "body": {"b": 1}, "json": [1],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "body", "problem"),
    [
        ("application/json", b"{bad", "invalid json body"),
        ("application/json", b"", "invalid json body"),
        ("application/json", b'{"a":"\xff"}', "invalid json body"),
        ("application/json", b"[" * 5000, "invalid json body"),
        ("application/json", b"[" + b"1," * 20000 + b"1]", "more than 10000 values"),
        ("text/plain", b"x", "Unsupported content type 'text/plain'"),
        ("multipart/form-data; boundary=x", b"x", "Unsupported content type"),
    ],
)
async def test_a_body_that_cannot_be_read_is_nil_and_a_reason(
    kind: str, body: bytes, problem: str
) -> None:
    chunk = "local found, problem = kong.request.get_body()"
    chunk += " kong.response.exit(found == nil and 200 or 500, problem)"
    _, response = await access(chunk, "/", f"Content-Type: {kind}", method="POST", body=body)
    assert response.status == 200
    assert problem in response.body.decode()


async def test_safe_json_returns_nil_and_a_reason() -> None:
    chunk = "local found, problem = require('cjson.safe').decode('{') "
    _, response = await access(chunk + "kong.response.exit(200, tostring(found) .. problem)")
    assert (response.status, response.body) == (200, b"nilnot JSON")
    _, response = await access("require('cjson').decode('{')")
    assert response.status == 500


async def test_raw_bodies_are_bytes_in_both_directions() -> None:
    raw = bytes(range(256))
    config = {
        "access": ["kong.service.request.set_raw_body(kong.request.get_raw_body())"],
        "body_filter": ["kong.response.set_raw_body(kong.response.get_raw_body())"],
    }
    seen: list[tuple[bytes, bytes]] = []
    script = answering(ok(raw), seen)
    async with policy_gateway((NAME, config), script=script) as gateway:
        response = await gateway.ask("/", method="POST", body=raw)
        assert response.body == seen[0][1] == raw


async def test_a_function_that_a_chunk_returns_keeps_its_variables() -> None:
    chunk = """
        local count = 0
        return function()
          count = count + 1
          kong.service.request.set_header('X-Count', count)
        end
    """
    async with policy_gateway((NAME, {"access": [chunk]})) as gateway:
        for expected in ("1", "2", "3"):
            await gateway.ask()
            assert gateway.header("x-count") == [expected]


async def test_chunks_run_in_order_and_an_exit_ends_them() -> None:
    set_ = "kong.ctx.shared.seen = (kong.ctx.shared.seen or '') .. '{}'"
    show = "kong.response.exit(200, kong.ctx.shared.seen)"
    config = {"access": [set_.format("a"), set_.format("b"), show, "error('not reached')"]}
    async with policy_gateway((NAME, config)) as gateway:
        assert (await gateway.ask()).body == b"ab"
        assert (await gateway.ask()).body == b"ab"


async def test_what_is_shared_is_of_one_request_and_all_its_plugins() -> None:
    pre = {"access": ["kong.ctx.shared.who = kong.request.get_query_arg('who')"]}
    post = {
        "header_filter": ["kong.response.set_header('X-Who', kong.ctx.shared.who or 'nobody')"],
    }
    template = {"add": {"headers": ["x-who:$(shared.who or 'nobody')"]}}
    plugins: list[tuple[str, Any]] = [
        (NAME, pre), ("post-function", post), ("request-transformer", template)
    ]  # fmt: skip
    async with policy_gateway(*plugins) as gateway:
        for target, who in (("/?who=ann", "ann"), ("/", "nobody"), ("/?who=bob", "bob")):
            response = await gateway.ask(target)
            assert response.headers["x-who"] == who
            assert gateway.header("x-who") == [who]


async def test_heads_and_bodies_of_responses_are_changed() -> None:
    config = {
        "header_filter": [
            "kong.response.set_status(201)"
            "kong.response.set_header('X-A', kong.response.get_header('x-in') .. '\\r\\nX-Evil: 1')"
            "kong.response.clear_header('X-Gone') ngx.header['X-B'] = 'b'"
        ],
        "body_filter": [
            "kong.response.set_raw_body(kong.response.get_raw_body():upper())",
            "ngx.arg[1] = ngx.arg[1] .. '!'",
        ],
    }
    script = answering(ok(b"hello", b"X-In: 1", b"X-Gone: 1"))
    async with policy_gateway((NAME, config), script=script) as gateway:
        response = await gateway.ask()
        assert (response.status, response.body) == (201, b"HELLO!")
        assert response.headers["content-length"] == "6"
        assert response.headers["x-a"].startswith("1")
        assert "x-evil" not in response.headers
        assert "x-gone" not in response.headers
        assert response.headers["x-b"] == "b"


@pytest.mark.parametrize("chunk", ["ngx.arg[1] = ngx.arg[1] .. '!'", "error('no body')"])
async def test_of_a_head_no_body_is_changed_and_no_length_is_told_that_a_get_has_not(
    chunk: str,
) -> None:
    """As in nginx, which runs no body filter where a body is never sent."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-In: 1\r\n\r\n"
    config = {"header_filter": ["kong.response.set_header('X-A', 'a')"], "body_filter": [chunk]}
    async with policy_gateway((NAME, config), script=answering(head)) as gateway:
        response = await gateway.ask(method="HEAD")
        assert (response.status, response.body) == (200, b"")
        assert response.headers["x-a"] == "a"
        assert "content-length" not in response.headers


async def test_of_a_head_that_a_plugin_responds_to_the_length_is_that_of_its_get() -> None:
    config = {"body_filter": ["ngx.arg[1] = ngx.arg[1] .. '!'"]}
    ends = ("request-termination", {"message": "no"})
    async with policy_gateway((NAME, config), ends) as gateway:
        get, head = await gateway.ask("/"), await gateway.ask(method="HEAD")
        assert get.body.endswith(b"!")
        assert head.body == b""
        assert head.headers["content-length"] == get.headers["content-length"]


async def test_a_header_filter_that_fails_is_a_500() -> None:
    async with policy_gateway((NAME, {"header_filter": ["error('x')"]})) as gateway:
        assert (await gateway.ask()).status == 500


async def test_what_is_logged_names_the_plugin(caplog: pytest.LogCaptureFixture) -> None:
    config = {
        "access": ["kong.log.warn('seen ', 1, ' ', {a = 1})"],
        "log": ["kong.log.err('status ', kong.response.get_status())"],
    }
    with caplog.at_level(logging.WARNING):
        async with policy_gateway((NAME, config)) as gateway:
            assert (await gateway.ask()).status == 200
    assert len([one for one in caplog.records if one.name == "gateway.plugins.lua"]) == 2


async def test_the_log_itself_can_be_called() -> None:
    gateway, response = await access("kong.log('a', 1) kong.log.inspect({1})")
    assert response.status == 200
    assert len(gateway.seen) == 1


async def test_rewrite_runs_where_the_plugin_is_for_all_requests() -> None:
    config = {"rewrite": ["kong.service.request.set_header('X-Rewritten', '1')"]}
    async with policy_gateway((NAME, config)) as gateway:
        await gateway.ask()
        assert gateway.header("x-rewritten") == ["1"]


async def test_it_is_refused_where_lua_is_off() -> None:
    with pytest.raises(ReleaseRefused, match="pre-function: Lua is switched off"):
        async with policy_gateway((NAME, {"access": ["return 1"]}), lua_allowed=False):
            pass


async def test_a_gate_runs_before_a_record() -> None:
    kafka = {
        "bootstrap_servers": [{"host": "127.0.0.1", "port": 1}],
        "topic": "orders",
        "forward_body": True,
    }
    gate = {"access": ["kong.response.exit(403)"]}
    plugins: list[tuple[str, Any]] = [(NAME, gate), ("kafka-upstream", kafka)]
    async with policy_gateway(*plugins) as gateway:
        assert (await gateway.ask(method="POST", body=b"x")).status == 403
