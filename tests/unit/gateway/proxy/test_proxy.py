# SPDX-License-Identifier: Apache-2.0
"""Requests to an upstream over real sockets, and the responses."""

from __future__ import annotations

import asyncio

import pytest

from gateway.http.heads import SERVER
from tests.support.http import Wire, chunked, get, post
from tests.support.upstream import ProxyApp, answering, ok, proxying, take, upstream
from tests.support.waiting import PATIENCE


async def test_a_response_comes_back_with_the_headers_of_the_proxy() -> None:
    response = ok(b"hi", b"X-Own: 1", b"Via: 1.0 x", b"Connection: x-hop", b"X-Hop: 1")
    async with upstream(answering(response)) as origin:
        app = ProxyApp(origin.port)
        async with proxying(app) as running:
            received = await running.once(get(b"/a?b=c"))
    assert (received.status, received.body) == (200, b"hi")
    assert received.headers["x-own"] == "1"
    assert received.headers["via"] == f"1.0 x, 1.1 {SERVER.decode()}"
    assert received.headers["server"] == SERVER.decode()
    assert received.headers["connection"] == "keep-alive"
    assert "x-hop" not in received.headers
    assert int(received.headers["x-kong-upstream-latency"]) >= 0
    assert int(received.headers["x-kong-proxy-latency"]) >= 0
    assert "x-kong-response-latency" not in received.headers


async def test_the_upstream_keeps_its_server_and_date() -> None:
    date = b"Tue, 01 Jan 2030 00:00:00 GMT"
    response = ok(b"", b"Server: origin", b"Date: " + date, b"X-Kong-Request-Id: forged")
    async with (
        upstream(answering(response)) as origin,
        proxying(ProxyApp(origin.port)) as running,
    ):
        received = await running.once(get())
    assert received.headers["server"] == "origin"
    assert received.headers["date"] == date.decode()
    assert received.headers["x-kong-request-id"] != "forged"
    assert received.head.count(b"Date:") == 1


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("whole", [post(b"body"), chunked(b"bo", b"dy")])
async def test_a_body_goes_up(stream: bool, whole: bytes) -> None:
    seen: list[tuple[bytes, bytes]] = []
    async with (
        upstream(answering(ok(), seen)) as origin,
        proxying(ProxyApp(origin.port, stream=stream)) as running,
    ):
        wire = await running.connect()
        for _ in range(3):
            assert (await wire.ask(whole)).body == b"hi"
    assert [body for _, body in seen] == [b"body"] * 3


async def test_a_stream_goes_up_while_it_arrives() -> None:
    begun = asyncio.Event()

    async def script(wire: Wire) -> None:
        await wire.reader.readuntil(b"\r\n\r\n")
        await wire.reader.readexactly(2)
        begun.set()
        await wire.reader.readexactly(2)
        await wire.send(ok())

    async with (
        upstream(script) as origin,
        proxying(ProxyApp(origin.port, stream=True)) as running,
    ):
        wire = await running.connect()
        await wire.send(post(b"body")[:-2])
        await asyncio.wait_for(begun.wait(), PATIENCE)
        assert (await wire.ask(b"dy")).body == b"hi"


async def test_a_large_stream_passes_both_ways_unchanged() -> None:
    payload = bytes(range(256)) * 16384

    async def script(wire: Wire) -> None:
        _, body = await take(wire)
        await wire.send(ok(body))

    async with (
        upstream(script) as origin,
        proxying(ProxyApp(origin.port, stream=True)) as running,
    ):
        wire = await running.connect()
        sending = asyncio.create_task(wire.send(post(payload)))
        assert (await wire.response()).body == payload
        await sending


async def test_a_slow_stream_comes_back_piece_by_piece() -> None:
    go = asyncio.Event()

    async def script(wire: Wire) -> None:
        await take(wire)
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        await go.wait()
        await wire.send(b"cd")

    async with upstream(script) as origin, proxying(ProxyApp(origin.port)) as running:
        wire = await running.connect()
        await wire.send(get())
        status, headers, _ = await wire.head()
        assert (status, headers["content-length"]) == (200, "4")
        assert await wire.reader.readexactly(2) == b"ab"
        go.set()
        assert await wire.reader.readexactly(2) == b"cd"
