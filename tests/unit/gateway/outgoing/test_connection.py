# SPDX-License-Identifier: Apache-2.0
"""One connection to a server, here of the proxy: framings, nonsense, and time."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.http import Wire, get, passing, post
from tests.support.upstream import ProxyApp, answering, ok, proxying, take, upstream


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"1\r\nh\r\n1\r\ni\r\n0\r\nT: u\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + ok(),
        b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok(),
    ],
)
async def test_other_framings_come_back_whole_and_the_connection_is_kept(response: bytes) -> None:
    async with (
        upstream(answering(response)) as origin,
        proxying(ProxyApp(origin.port)) as running,
    ):
        wire = await running.connect()
        for _ in range(3):
            received = await wire.ask(get())
            assert (received.status, received.body) == (200, b"hi")
    assert origin.connections == 1


async def test_a_response_that_ends_with_its_connection_comes_back_whole() -> None:
    async def script(wire: Wire) -> None:
        await take(wire)
        await wire.send(b"HTTP/1.1 200 OK\r\n\r\nh")
        await passing(0.01)
        await wire.send(b"i")
        wire.writer.write_eof()
        await wire.rest()

    async with upstream(script) as origin, proxying(ProxyApp(origin.port)) as running:
        assert (await running.once(get())).body == b"hi"


async def test_head_and_304_have_no_body_but_keep_the_length() -> None:
    async def script(wire: Wire) -> None:
        while True:
            head, _ = await take(wire)
            if head.startswith(b"HEAD"):
                await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")
            else:
                await wire.send(b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n")

    async with upstream(script) as origin, proxying(ProxyApp(origin.port)) as running:
        wire = await running.connect()
        for _ in range(2):
            response = await wire.ask(b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", bodyless=True)
            assert response.headers["content-length"] == "99"
            response = await wire.ask(get())
            assert (response.status, response.headers["etag"]) == (304, "x")
    assert origin.connections == 1


@pytest.mark.parametrize(
    "response",
    [
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200000,
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
    ],
)
async def test_nonsense_is_a_502(response: bytes) -> None:
    async with (
        upstream(answering(response)) as origin,
        proxying(ProxyApp(origin.port)) as running,
    ):
        assert (await running.once(get())).status == 502


async def test_bytes_behind_a_response_never_reach_another_client() -> None:
    async with (
        upstream(answering(ok(b"mine") + ok(b"evil"))) as origin,
        proxying(ProxyApp(origin.port)) as running,
    ):
        for _ in range(3):
            assert (await running.once(get())).body == b"mine"
    assert origin.connections == 3


async def test_a_silent_upstream_is_a_504() -> None:
    async def script(wire: Wire) -> None:
        await take(wire)
        await wire.rest()

    async with (
        upstream(script) as origin,
        proxying(ProxyApp(origin.port, read_timeout=100, retries=3)) as running,
    ):
        response = await running.once(get(b"/", b"Accept: */*"))
        assert response.status == 504
        assert response.body == b'{"message":"The upstream server is timing out"}'
    assert origin.connections == 1


async def test_an_upstream_that_does_not_read_is_a_504() -> None:
    async def script(wire: Wire) -> None:
        await asyncio.Event().wait()

    async with upstream(script) as origin:
        app = ProxyApp(origin.port, stream=True, write_timeout=100)
        async with proxying(app) as running:
            wire = await running.connect()
            sending = asyncio.create_task(wire.send(post(bytes(64 << 20))))
            assert (await wire.response()).status == 504
            sending.cancel()
