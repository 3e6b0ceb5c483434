# SPDX-License-Identifier: Apache-2.0
"""Requests in order, responses in the same order, over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gateway.errors import RequestRejected
from gateway.http.generated_responses import fixed_response
from gateway.http.messages import Pending, Request, Response
from gateway.plugins.base import Handler
from gateway.plugins.chain import Chain
from tests.support.http import App, get, plugged, post, serving, text, until


async def test_pipelined_requests_are_answered_in_order_though_the_first_is_answered_last() -> None:
    pendings: list[Pending] = []

    def handle(request: Request) -> Response | Pending:
        if request.path == b"/slow":
            pendings.append(Pending())
            return pendings[-1]
        return text(200, request.path)

    app = App(handle)
    async with serving(app) as running:
        wire = await running.connect()
        await wire.send(get(b"/slow") + get(b"/b") + post(b"x", path=b"/c"))
        await until(lambda: pendings)
        assert len(app.seen) == 1, "a later request must wait for the one before"
        pendings[0].resolve(text(200, b"/slow"))
        bodies = [(await wire.response()).body for _ in range(3)]
        assert bodies == [b"/slow", b"/b", b"/c"]
        await wire.close()


async def test_many_pipelined_requests_wait_without_being_lost() -> None:
    first = Pending()

    def handle(request: Request) -> Response | Pending:
        return first if request.path == b"/0" else text(200, request.path)

    async with serving(App(handle)) as running:
        wire = await running.connect()
        count = 3000
        sending = asyncio.create_task(
            wire.send(b"".join(get(b"/%d" % number) for number in range(count)))
        )
        await until(lambda: running.server.connections)
        await asyncio.sleep(0)
        first.resolve(text(200, b"/0"))
        for number in range(count):
            assert (await wire.response()).body == b"/%d" % number
        await sending
        await wire.close()


async def test_whole_bodies_that_wait_for_their_turn_stop_the_sender() -> None:
    first = Pending()
    app = App(lambda request: first if request.path == b"/first" else text(200, b"ok"))
    body = bytes(100_000)
    protocol, plug = plugged(app, asyncio.get_running_loop())
    reading = []
    protocol.data_received(get(b"/first") + post(body) * 2)
    reading.append(plug.reading)
    protocol.data_received(post(body))
    reading.append(plug.reading)
    first.resolve(text(200, b"first"))
    assert [*reading, plug.reading] == [True, False, True]
    assert [len(request.body) for request in app.seen] == [0, *[len(body)] * 3]


async def test_head_gets_the_length_without_the_body() -> None:
    async with serving(App()) as running:
        wire = await running.connect()
        for _ in range(3):
            response = await wire.ask(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", bodyless=True)
            assert response.headers["content-length"] == "2"
        assert (await wire.ask(get())).body == b"ok"
        await wire.close()


async def test_a_client_that_leaves_abandons_its_pending_response() -> None:
    abandoned: list[bool] = []
    pending = Pending()
    pending.on_abandon = lambda: abandoned.append(True)
    app = App(lambda _: pending)
    async with serving(app) as running:
        wire = await running.connect()
        await wire.send(get())
        await until(lambda: app.seen)
        wire.reset()
        await until(lambda: abandoned)
        assert [status for _, status, _ in app.done] == [499]
        pending.resolve(text(200, b"too late"))


async def test_a_handler_that_raises_is_a_500_with_the_request_id() -> None:
    def handle(request: Request) -> Response:
        raise RuntimeError("bug")

    async with serving(App(handle)) as running:
        response = await running.once(get())
        assert response.status == 500
        assert response.body == b'{"message":"An unexpected error occurred"}'
        assert len(response.headers["x-kong-request-id"]) == 32


async def test_begin_may_reject_a_request() -> None:
    def begin(request: Request) -> int:
        raise RequestRejected(403, "no")

    async with serving(App(begin=begin)) as running:
        wire = await running.connect()
        for _ in range(3):
            assert (await wire.ask(post(b"x"))).status == 403
        await wire.close()


async def test_finished_hears_of_every_response_and_its_bytes() -> None:
    app = App()
    async with serving(app) as running:
        wire = await running.connect()
        response = await wire.ask(get())
        assert [(s, n) for _, s, n in app.done] == [(200, len(response.head + response.body))]
        await wire.close()


_CONTEXT: Any = None


class _Filter(Handler):
    def header_filter(self, request: Request, response: Response) -> None:
        response.status = 207
        response.headers.append((b"X-Added", b"1"))

    def body_filter(self, request: Request, response: Response, chunk: bytes, last: bool) -> bytes:
        return chunk.upper() + (b"!" if last else b"")


async def _pieces() -> AsyncIterator[bytes]:
    yield b"a"
    yield b"b"


@pytest.mark.parametrize("kind", ["whole", "streamed", "fixed"])
async def test_filters_change_head_and_body_of_every_kind_of_response(kind: str) -> None:
    headers = [(b"Content-Length", b"2")]

    def respond(_: Request) -> Response:
        return text(200, b"ab") if kind == "whole" else Response(200, headers, _pieces())

    chain = Chain([_Filter(None, _CONTEXT)], respond)

    def begin(request: Request) -> int | Response:
        request.chain = chain
        return fixed_response(404, "ab", request) if kind == "fixed" else 1000

    async with serving(App(begin=begin)) as running:
        wire = await running.connect()
        for _ in range(3):
            response = await wire.ask(get())
            assert response.status == 207
            assert response.headers["x-added"] == "1"
            expected = b'{"MESSAGE":"AB"}!' if kind == "fixed" else b"AB!"
            assert response.body == expected


async def test_a_filter_that_raises_is_a_500() -> None:
    class Bad(Handler):
        def header_filter(self, request: Request, response: Response) -> None:
            raise RuntimeError("bug")

    def begin(request: Request) -> int:
        request.chain = Chain([Bad(None, _CONTEXT)], lambda _: text(200, b"ab"))
        return 1000

    async with serving(App(begin=begin)) as running:
        assert (await running.once(get())).status == 500
