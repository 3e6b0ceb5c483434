# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from starlette.responses import StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.control_plane.web import WebServer, listen
from gateway.http.limits import Limits
from gateway.settings.listen import ListenAddress
from tests.support.control_plane import RawConnection, connect, running, until_closed
from tests.support.documents import story
from tests.support.waiting import PATIENCE

SHORT = {"client_header_timeout": "200ms", "client_body_timeout": "200ms", "idle_timeout": "200ms"}
TOKEN = {"admin_token": "planted-admin-token"}
BOTH = pytest.mark.parametrize("api", ["admin", "status"])
ASK = b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize("token", [{}, TOKEN])
async def test_a_body_that_stops_half_way_is_ended(tmp_path: Path, token: dict[str, str]) -> None:
    head = b"POST /releases HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"

    async with running(tmp_path, **SHORT, **token) as place:
        status = b" 401 " if token else b" 408 "
        assert status in (await until_closed(place, "admin", head)).partition(b"\r\n")[0]


async def test_a_caller_without_a_token_gets_its_response_before_its_body_is_taken(
    tmp_path: Path,
) -> None:
    async with running(tmp_path, **TOKEN) as place:
        head = b"POST /releases HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000000\r\n\r\n"
        assert b" 401 " in (await until_closed(place, "admin", head)).partition(b"\r\n")[0]


@BOTH
async def test_what_is_too_large_is_refused(tmp_path: Path, api: str) -> None:
    async with running(tmp_path, **TOKEN) as place:
        start = b"POST /status/ready HTTP/1.1\r\nHost: localhost\r\n"
        for more, status in (
            (b"X: " + b"y" * 40000 + b"\r\n\r\n", b" 431 "),
            (b"Content-Length: 99999999999\r\n\r\n", b" 413 "),
            (b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", b" 400 "),
        ):
            assert status in (await until_closed(place, api, start + more))[:20]
        long = b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
        assert b" 414 " in (await until_closed(place, api, long))[:20]


async def test_a_connection_serves_many_requests(tmp_path: Path) -> None:
    async with running(tmp_path) as place:
        wire = await connect(place, "admin")
        for _ in range(3):
            await wire.send(ASK)
            assert b" 200 " in await wire.reader.readline()
            head = await wire.reader.readuntil(b"\r\n\r\n")
            (length,) = [
                int(line.partition(b":")[2])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length")
            ]
            await wire.reader.readexactly(length)
        await wire.close()


async def test_a_call_goes_on_when_its_caller_leaves(tmp_path: Path) -> None:
    async with running(tmp_path) as place, place.peer() as peer:
        call = asyncio.create_task(place.publish(story(), wait=30))
        assert (await peer.configuration())["type"] == "reconfigure"
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        assert (await place.ask("GET", "/releases/1")).status == 200


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[RawConnection]:
    """Serve an application; connect and ask for anything."""
    listening = listen(ListenAddress("127.0.0.1", 0), "admin_listen")
    server = WebServer(app, [listening], Limits())
    await server.start()
    wire = RawConnection(*await asyncio.open_connection(*listening.getsockname()[:2]))
    try:
        await wire.send(ASK)
        yield wire
    finally:
        await wire.close()
        await server.stop()


async def test_a_response_that_is_still_made_is_sent_as_it_comes() -> None:
    further = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        await further.wait()
        yield b"two"

    async with serving(StreamingResponse(pieces())) as wire, asyncio.timeout(PATIENCE):
        await wire.reader.readuntil(b"one\r\n")
        further.set()
        assert b"two\r\n0\r\n\r\n" in await wire.reader.readuntil(b"0\r\n\r\n")


async def test_one_that_breaks_off_is_cut() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"one"
        raise OSError

    async with serving(StreamingResponse(pieces())) as wire:
        assert b"\r\n0\r\n" not in await wire.rest()


async def test_an_application_is_told_that_nobody_reads_any_more() -> None:
    ended = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            while True:
                piece = {"type": "http.response.body", "body": b"x" * 10_000, "more_body": True}
                await send(piece)
        finally:
            ended.set()

    async with serving(app) as wire:
        await wire.reader.readuntil(b"xxx")
        await wire.close()
        async with asyncio.timeout(PATIENCE):
            await ended.wait()
