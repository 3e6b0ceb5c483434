# SPDX-License-Identifier: Apache-2.0
"""A plugin with a condition: which requests it runs for, and what a condition sees of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.http.messages import Pending, Request, Response
from gateway.plugins.base import Handler
from gateway.plugins.chain import Chain
from gateway.plugins.conditions import Condition
from gateway.plugins.lua import SHARED
from tests.support.http import text
from tests.support.policies import policy_gateway
from tests.support.producing import request
from tests.support.releases import number

_CONTEXT: Any = None


class Noted(Handler):
    """Notes each phase that runs; ``responds``: ends the request."""

    def __init__(self, condition: str | None, responds: int = 0) -> None:
        super().__init__(None, _CONTEXT)
        self.ran: list[str] = []
        self._responds = responds
        if condition is not None:
            self.condition = Condition(condition, "noted", "some-id")

    def access(self, _: Request) -> Response | None:
        self.ran.append("access")
        return text(self._responds, b"") if self._responds else None

    def header_filter(self, _: Request, response: Response) -> None:
        self.ran.append("header_filter")

    def body_filter(self, _: Request, response: Response, chunk: bytes, last: bool) -> bytes:
        self.ran.append("body_filter")
        return chunk.upper()

    def whole_body(self, _: Request, response: Response) -> int:
        return 10

    def log(self, _: Request, response: Response) -> None:
        self.ran.append("log")


class OnlyLogs(Handler):
    """Has a late phase alone."""

    ran = 0

    def log(self, _: Request, response: Response) -> None:
        self.ran += 1


def serve(chain: Chain, asked: Request) -> tuple[int, bytes]:
    """Run all phases, as the server does; return status and body."""
    response = chain.run(asked)
    assert not isinstance(response, Pending)
    chain.filter_head(asked, response)
    body = chain.filter_body(asked, response, b"body", True)
    chain.log(asked, response)
    return response.status, body


def last(_: Request) -> Response:
    return text(202, b"")


BLOCKS = 'http.headers.x_block == "true"'


def test_without_the_header_all_phases_of_the_plugin_are_skipped() -> None:
    plugin = Noted(BLOCKS, responds=403)
    chain = Chain([plugin], last)
    assert serve(chain, request()) == (202, b"body")
    assert plugin.ran == []
    assert chain.whole_body(request(), text(200, b"")) == 0
    blocked = request(headers=[("X-Block", "true")])
    assert serve(chain, blocked) == (403, b"BODY")
    assert plugin.ran == ["access", "header_filter", "body_filter", "log"]
    assert chain.whole_body(blocked, text(200, b"")) == 10


def test_a_plugin_without_an_access_phase_has_a_condition_too() -> None:
    plugin = OnlyLogs(None, _CONTEXT)
    plugin.condition = Condition(BLOCKS)
    for headers in ([], [("x-block", "true")]):
        serve(Chain([plugin], last), request(headers=headers))
    assert plugin.ran == 1


def test_it_sees_what_the_plugins_before_have_made_of_the_request_and_is_asked_once() -> None:
    class Changing(Handler):
        def access(self, request: Request) -> None:
            request.headers.append((b"x-block", b"true"))
            request.consumer = {"id": "1", "username": "bob"}
            request.context = {SHARED: {"flag": "on"}}

        def header_filter(self, request: Request, response: Response) -> None:
            request.headers.clear()

    given = f'{BLOCKS} && consumer.username == "bob" && kong.ctx.shared.flag == "on"'
    plugin = Noted(given)
    serve(Chain([Changing(None, _CONTEXT), plugin], last), request())
    assert plugin.ran == ["access", "header_filter", "body_filter", "log"]


@pytest.mark.parametrize("condition", ["kong.ctx.shared.absent", "http.headers.absent"])
def test_a_condition_that_fails_is_a_500_and_the_plugins_behind_do_not_run(condition: str) -> None:
    plugin, behind = Noted(condition), Noted(None)
    assert serve(Chain([plugin, behind], last), request())[0] == 500
    assert "access" not in plugin.ran + behind.ran


def test_default_says_what_holds_where_a_condition_fails() -> None:
    plugin = Noted('default(kong.ctx.shared.absent == "on", false)', responds=403)
    assert serve(Chain([plugin], last), request())[0] == 202


def test_later_phases_of_a_plugin_that_was_not_reached_go_by_its_condition() -> None:
    first = Noted(None, responds=401)
    skipped, failing = Noted(BLOCKS), Noted("kong.ctx.shared.absent")
    assert serve(Chain([first, skipped, failing], last), request())[0] == 401
    assert skipped.ran == []
    assert failing.ran == ["header_filter", "body_filter", "log"], "as if it had no condition"


@pytest.mark.parametrize(
    "condition",
    [
        'http.method == "POST" && http.host == "shop.test" && http.path == "/a/é"',
        "http.path_segments == ['a', 'é']",
        'http.headers.x_a == "1" && http.headers["X-A"] == "1" && http.headers.x_none == null',
        'http.queries.q == "1" && http.queries.empty == "" && http.queries.none == null',
        '"x_a" in http.headers && !("x-a" in http.headers) && "q" in http.queries',
        'net.src.ip == "127.0.0.1" && net.src.port == 50000 && net.dst.port == 8000',
        'net.dst.ip == "127.0.0.1"',
        'route.name == "orders" && route.id == "r" && service.name == "shop" && service.id == "s"',
        "consumer.id == null && consumer.username == null && !has(consumer.custom_id)",
    ],
)
def test_what_a_condition_sees(condition: str) -> None:
    headers = [("x-a", "1"), ("x-a", "2")]
    asked = request("/a/%C3%A9?q=1&q=2&empty", "POST", headers)
    asked.host = b"Shop.test:8000"
    asked.match = SimpleNamespace(
        path="/a/é".encode(),
        route={"id": "r", "name": "orders"},
        service={"id": "s", "name": "shop"},
    )
    assert Condition(condition).holds(asked)


def test_without_a_route_its_fields_are_null() -> None:
    assert Condition("route.name == null && service.id == null").holds(request())


@pytest.mark.parametrize(
    ("condition", "lines", "status"),
    [
        ('http.path != "/open"', (), 401),
        ('http.method == "POST"', (), 200),
        ("kong.ctx.shared.absent", (), 500),
        ('http.headers.x_none.startsWith("a")', (), 500),
        ('http.headers.x_none.startsWith("a")', ("X-None: a",), 401),
        ('http.headers.x_none.startsWith("a")', ("X-None: b",), 200),
        ("default(kong.ctx.shared.absent, true)", (), 401),
    ],
)
async def test_an_authentication_whose_condition_fails_opens_no_route(
    condition: str, lines: tuple[str, ...], status: int
) -> None:
    row = {"id": number("auth"), "name": "key-auth", "config": {}, "condition": condition}
    async with policy_gateway(rows=[row]) as gateway:
        assert (await gateway.ask("/", *lines)).status == status
        assert len(gateway.seen) == (status == 200)


@example(value=b"[", path=b"", query=b"")
@given(value=st.binary(max_size=60), path=st.binary(max_size=60), query=st.binary(max_size=60))
def test_whatever_a_client_sends_a_condition_sees_text(
    value: bytes, path: bytes, query: bytes
) -> None:
    asked = request()
    asked.headers += [(b"x-a", value), (value[:20].lower(), b"1")]
    asked.path, asked.query, asked.host = b"/" + path, query, value
    sees = 'size(http.headers.x_a) >= 0 && http.path.startsWith("/") && size(http.host) >= 0'
    assert Condition(f"{sees} && http.queries.all(name, name == name)").holds(asked)
