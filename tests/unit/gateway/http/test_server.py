# SPDX-License-Identifier: Apache-2.0
"""Draining, filters, forwarding headers and TLS, over real sockets."""

from __future__ import annotations

import asyncio

import pytest

from gateway.http.limits import Limits
from gateway.http.messages import FixedResponse, Pending
from gateway.http.tls import Certificates, self_signed
from tests.support.authority import Authority, client_context
from tests.support.http import App, get, serving, text, until


async def test_draining_finishes_what_is_under_way_and_closes_the_rest() -> None:
    pending = Pending()
    app = App(lambda request: pending if request.path == b"/slow" else text(200, b"ok"))
    async with serving(app) as running:
        idle, busy = await running.connect(), await running.connect()
        assert (await idle.ask(get())).status == 200
        await busy.send(get(b"/slow"))
        await until(lambda: len(app.seen) == 2)
        draining = asyncio.create_task(running.server.drain(5))
        assert await idle.rest() == b""
        with pytest.raises(OSError, match=r".*"):
            await running.connect()
        pending.resolve(text(200, b"late"))
        response = await busy.response()
        assert response.body == b"late"
        assert response.headers["connection"] == "close"
        assert await busy.rest() == b""
        assert await draining


@pytest.mark.parametrize("path", [b"/made-now", b"/fixed"])
async def test_a_parting_server_closes_each_connection_with_its_next_response(path: bytes) -> None:
    fixed = FixedResponse(200, [], b"ok")
    app = App(lambda request: fixed if request.path == b"/fixed" else text(200, b"ok"))
    async with serving(app) as running:
        first, second = await running.connect(), await running.connect()
        assert (await first.ask(get(path))).headers["connection"] == "keep-alive"
        running.server.part(True)
        response = await first.ask(get(path))
        assert (response.body, response.headers["connection"]) == (b"ok", "close")
        assert await first.rest() == b""
        running.server.part(False)
        assert (await second.ask(get(path))).headers["connection"] == "keep-alive"


async def test_a_drain_ends_at_its_deadline() -> None:
    app = App(lambda _: Pending())
    async with serving(app) as running:
        wire = await running.connect()
        await wire.send(get())
        await until(lambda: app.seen)
        assert not await running.server.drain(0.05)
        assert await wire.rest() == b""


async def test_a_tls_client_that_speaks_plain_http_is_turned_away() -> None:
    certificates = Certificates(self_signed())
    async with serving(App(), tls=certificates.context) as running:
        wire = await running.connect()
        await wire.send(get())
        assert not (await wire.rest()).startswith(b"HTTP/1.1 200")


async def test_handshakes_under_way_are_counted_and_cost_one_another_their_place() -> None:
    authority = Authority()
    pair = authority.issue("one.test", server=True)
    certificates = Certificates((pair.certificate, pair.key))
    async with serving(App(), Limits(max_connections=8), tls=certificates.context) as running:
        silent = [await running.connect() for _ in range(40)]
        for wire in silent[:32]:
            assert await wire.rest() == b""
        wire = await running.connect(client_context(authority.pem, None), "one.test")
        assert (await wire.ask(get())).status == 200


async def test_draining_ends_handshakes_under_way() -> None:
    certificates = Certificates(self_signed())
    async with serving(App(), tls=certificates.context) as running:
        wire = await running.connect()
        assert await running.server.drain(5.0)
        assert await wire.rest() == b""
