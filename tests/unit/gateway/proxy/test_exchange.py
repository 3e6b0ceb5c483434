# SPDX-License-Identifier: Apache-2.0
"""One request to an upstream: attempts, failures, and clients that leave."""

from __future__ import annotations

import asyncio
import socket

import pytest

from gateway.proxy.dns import DnsAnswer
from gateway.proxy.proxy import Proxy
from gateway.proxy.resolver import Resolver
from tests.support.http import Wire, get, passing, post, standing_still
from tests.support.upstream import BAD_GATEWAY, ProxyApp, ok, proxying, take, upstream
from tests.support.waiting import PATIENCE


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port: int = bound.getsockname()[1]
        return port


async def test_a_refused_connection_is_a_502_after_all_tries() -> None:
    async with proxying(ProxyApp(_closed_port(), retries=2)) as running:
        response = await running.once(get())
        assert (response.status, response.body) == (502, BAD_GATEWAY)
        assert "x-kong-response-latency" in response.headers


@pytest.mark.parametrize(
    ("whole", "stream", "attempts"),
    [
        (get(), False, 4),
        (b"DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", False, 4),
        (post(b"x"), False, 1),
        (post(b"x").replace(b"POST", b"PUT"), False, 4),
        (post(b"x").replace(b"POST", b"PUT"), True, 1),
    ],
)
async def test_only_what_may_be_sent_twice_is_sent_again(
    whole: bytes, stream: bool, attempts: int
) -> None:
    async def script(wire: Wire) -> None:
        await take(wire)

    async with (
        upstream(script) as origin,
        proxying(ProxyApp(origin.port, stream=stream, retries=3)) as running,
    ):
        response = await running.once(whole)
        assert (response.status, response.body) == (502, BAD_GATEWAY)
    assert origin.connections == attempts


async def test_a_response_cut_short_is_not_taken_for_a_whole_one() -> None:
    async def script(wire: Wire) -> None:
        await take(wire)
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")
        await passing(0.05)

    async with upstream(script) as origin, proxying(ProxyApp(origin.port)) as running:
        wire = await running.connect()
        await wire.send(get())
        await wire.head()
        assert await wire.rest() == b"half"


async def test_an_upstream_that_never_accepts_is_a_504() -> None:
    async def script(wire: Wire) -> None:
        await wire.rest()

    # A TLS handshake that is never answered stands in for a connect that never returns.
    async with upstream(script) as origin:
        app = ProxyApp(origin.port, protocol="https", connect_timeout=100)
        async with proxying(app) as running:
            assert (await running.once(get())).status == 504


async def test_a_slow_client_is_not_the_upstreams_timeout() -> None:
    async def script(wire: Wire) -> None:
        await take(wire)
        await wire.send(ok())

    async with upstream(script) as origin:
        app = ProxyApp(origin.port, stream=True, write_timeout=50, read_timeout=2000)
        async with proxying(app) as running:
            wire = await running.connect()
            await wire.send(post(b"body")[:-2])
            await passing(0.2)
            assert (await wire.ask(b"dy")).status == 200


async def test_a_name_that_does_not_resolve_is_a_503() -> None:
    async def lookup(host: str) -> DnsAnswer:
        raise socket.gaierror

    proxy = Proxy(asyncio.get_running_loop(), resolver=Resolver(lookup=lookup))
    async with proxying(ProxyApp(80, host="nowhere.test", proxy=proxy)) as running:
        response = await running.once(get())
        assert response.status == 503
        assert response.body == b'{"message":"name resolution failed"}'


async def test_a_client_that_leaves_closes_the_upstream_connection() -> None:
    gone = asyncio.Event()
    asked = asyncio.Event()

    async def script(wire: Wire) -> None:
        await take(wire)
        asked.set()
        await wire.rest()
        gone.set()

    async with upstream(script) as origin, proxying(ProxyApp(origin.port)) as running:
        wire = await running.connect()
        await wire.send(get())
        await asyncio.wait_for(asked.wait(), PATIENCE)
        wire.reset()
        await asyncio.wait_for(gone.wait(), PATIENCE)


async def test_a_client_that_leaves_a_stream_closes_the_upstream_connection() -> None:
    gone = asyncio.Event()

    async def script(wire: Wire) -> None:
        await take(wire)
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nab")
        await wire.rest()
        gone.set()

    async with upstream(script) as origin, proxying(ProxyApp(origin.port)) as running:
        wire = await running.connect()
        await wire.send(get())
        await wire.head()
        wire.reset()
        await asyncio.wait_for(gone.wait(), PATIENCE)


async def test_a_client_that_does_not_read_stops_the_upstream() -> None:
    sent = 0

    async def script(wire: Wire) -> None:
        nonlocal sent
        await take(wire)
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n")
        while True:
            await wire.send(bytes(65536))
            sent += 65536

    async with (
        upstream(script) as origin,
        proxying(ProxyApp(origin.port, read_timeout=50)) as running,
    ):
        wire = await running.connect()
        wire.stop_reading()
        await wire.send(get())
        assert 0 < await standing_still(lambda: sent) < 64 << 20
        assert running.server.connections == 1, "a slow client is no upstream timeout"
        wire.reset()
