# SPDX-License-Identifier: Apache-2.0
"""Connections to upstreams that are kept for the next request."""

from __future__ import annotations

import asyncio

from gateway.outgoing.pool import Pool
from gateway.proxy.proxy import Proxy
from tests.support.http import Wire, get, post, until
from tests.support.upstream import ProxyApp, answering, ok, proxying, take, upstream


async def test_a_kept_connection_that_was_closed_is_not_used_again() -> None:
    async def script(wire: Wire) -> None:
        await take(wire)
        await wire.send(ok())

    async with upstream(script) as origin:
        app = ProxyApp(origin.port)
        async with proxying(app) as running:
            for _ in range(3):
                assert (await running.once(post(b"x"))).status == 200
                await until(lambda: app.proxy.pool.idle == 0)


async def test_a_connection_is_replaced_after_its_share_of_requests() -> None:
    proxy = Proxy(asyncio.get_running_loop(), pool=Pool(max_requests=2))
    async with (
        upstream(answering(ok())) as origin,
        proxying(ProxyApp(origin.port, proxy=proxy)) as running,
    ):
        wire = await running.connect()
        for _ in range(4):
            assert (await wire.ask(get())).status == 200
    assert origin.connections == 2
