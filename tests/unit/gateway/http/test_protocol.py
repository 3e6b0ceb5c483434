# SPDX-License-Identifier: Apache-2.0
"""One connection over a real socket: requests in, responses out, in order."""

from __future__ import annotations

import asyncio
import gc

import pytest

from gateway.http.application import DISCARD, STREAM
from gateway.http.generated_responses import NO_ROUTE, fixed_response
from gateway.http.messages import Pending, Request, Response
from gateway.http.protocol import HttpProtocol
from tests.support.http import App, chunked, get, passing, plugged, post, serving, text, until


async def test_a_request_without_a_route_gets_exactly_the_known_body() -> None:
    app = App(begin=lambda request: fixed_response(404, NO_ROUTE, request))
    async with serving(app) as running:
        wire = await running.connect()
        for _ in range(3):
            response = await wire.ask(get(b"/nowhere"))
            assert response.status == 404
            assert response.body == b'{"message":"no Route matched with those values"}'
            assert response.headers["content-length"] == "48"
            assert response.headers["content-type"] == "application/json; charset=utf-8"
            assert response.headers["x-kong-response-latency"].isdigit()
            assert response.headers["server"].startswith("kafka-gateway/")
        await wire.close()


async def test_each_response_has_its_own_request_id() -> None:
    app = App(begin=lambda request: fixed_response(404, NO_ROUTE, request))
    async with serving(app) as running:
        wire = await running.connect()
        ids = [(await wire.ask(get())).headers["x-kong-request-id"] for _ in range(20)]
        assert len(set(ids)) == 20
        assert all(len(one) == 32 and set(one) <= set("0123456789abcdef") for one in ids)
        await wire.close()


async def test_requests_with_the_same_head_keep_their_bodies_and_headers_apart() -> None:
    def handle(request: Request) -> Response:
        request.headers.append((b"x-added", b"1"))
        assert len(request.header_values(b"x-added")) == 1
        return text(200, request.body)

    app = App(handle)
    async with serving(app) as running:
        wire = await running.connect()
        for number in range(30):
            body = b"%03d" % number
            assert (await wire.ask(post(body))).body == body
        assert len({id(request) for request in app.seen}) == 30
        await wire.close()


async def test_http_1_0_closes_unless_asked_to_stay() -> None:
    async with serving(App()) as running:
        wire = await running.connect()
        response = await wire.ask(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert response.headers["connection"] == "keep-alive"
        response = await wire.ask(b"GET / HTTP/1.0\r\n\r\n")
        assert response.headers["connection"] == "close"
        assert await wire.rest() == b""
        await wire.close()


async def test_connection_close_is_obeyed() -> None:
    async with serving(App()) as running:
        wire = await running.connect()
        response = await wire.ask(get(b"/", b"Connection: close") + get(b"/late"))
        assert response.headers["connection"] == "close"
        assert await wire.rest() == b""
        await wire.close()


@pytest.mark.parametrize("broken_off", [b"", b"GET /n", post(b"body")[:-1], chunked(b"a")[:-3]])
async def test_a_half_closed_client_still_gets_its_response(broken_off: bytes) -> None:
    pending = Pending()
    app = App(lambda _: pending)
    async with serving(app) as running:
        wire = await running.connect()
        await wire.send(get() + broken_off)
        wire.writer.write_eof()
        await until(lambda: app.seen)
        await passing(0.01)
        pending.resolve(text(200, b"still here"))
        assert (await wire.response()).body == b"still here"
        assert await wire.rest() == b""
        assert len(app.seen) == 1
        await wire.close()


@pytest.mark.parametrize("method", [b"CUSTOM", b"PURGE", b"QUERY", b"M-X_2"])
async def test_any_upper_case_method_reaches_the_application(method: bytes) -> None:
    app = App()
    async with serving(app) as running:
        wire = await running.connect()
        head = b"%b / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n" % method
        assert (await wire.ask(head + b"hi")).body == b"hi"
        assert (await wire.ask(get())).body == b"ok"
        assert [request.method for request in app.seen] == [method, b"GET"]
        await wire.close()


@pytest.mark.parametrize(
    "received",
    [
        get(),
        get()[:-3],
        3 * get(),
        post(b"abc")[:-1],
        post(b"abc", b"Expect: 100-continue")[:-3],
    ],
    ids=["a request", "half a head", "pipelined", "half a body", "a body not asked for"],
)
@pytest.mark.parametrize("body", [1 << 20, STREAM, DISCARD], ids=["kept", "streamed", "dropped"])
async def test_a_lost_connection_leaves_nothing_to_the_garbage_collector(
    received: bytes, body: int
) -> None:
    app = App(lambda _: Pending(), body=body)
    gc.collect()
    gc.disable()
    try:
        protocol, plug = plugged(app, asyncio.get_running_loop())
        protocol.data_received(received)
        protocol.connection_lost(None)
        app.seen.clear()
        app.done.clear()
        del protocol, plug
        assert not [found for found in gc.get_objects() if isinstance(found, HttpProtocol)]
    finally:
        gc.enable()
