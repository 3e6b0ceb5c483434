# SPDX-License-Identifier: Apache-2.0
"""What the Admin and status listeners bear from callers who have shown no token."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.http import limits
from tests.support.control_plane import Place, run, running
from tests.support.documents import story

SHORT = {"client_header_timeout": "200ms", "client_body_timeout": "200ms", "idle_timeout": "200ms"}
TOKEN = {"admin_token": "planted-admin-token"}
BOTH = pytest.mark.parametrize("api", ["admin", "status"])
ASK = b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Wire:
    """A raw connection to one of the listeners."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def rest(self) -> bytes:
        """Return what comes until the other side closes."""
        try:
            async with asyncio.timeout(20):
                return await self.reader.read()
        except ConnectionError:
            return b""

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


async def connect(place: Place, api: str) -> Wire:
    return Wire(*await asyncio.open_connection("127.0.0.1", place.port(api)))


async def until_closed(place: Place, api: str, sent: bytes) -> bytes:
    """Send this and nothing more; return what came before the other side closed."""
    wire = await connect(place, api)
    await wire.send(sent)
    received = await wire.rest()
    await wire.close()
    return received


@BOTH
def test_a_silent_connection_is_closed(tmp_path: Path, api: str) -> None:
    async def main() -> None:
        async with running(tmp_path, **SHORT, **TOKEN) as place:
            assert await until_closed(place, api, b"") == b""

    run(main)


@BOTH
@pytest.mark.parametrize(
    "sent", [b"G", b"GET /status HTTP/1.1\r\n", b"GET /status HTTP/1.1\r\nHost: localhost\r\nX: "]
)
def test_a_head_that_stops_half_way_is_408(tmp_path: Path, api: str, sent: bytes) -> None:
    async def main() -> None:
        async with running(tmp_path, **SHORT, **TOKEN) as place:
            assert b" 408 " in (await until_closed(place, api, sent)).partition(b"\r\n")[0]

    run(main)


def test_a_head_that_trickles_in_is_408_all_the_same(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path, **SHORT, **TOKEN) as place:
            wire = await connect(place, "admin")
            await wire.send(b"GET /status HTTP/1.1\r\n")

            async def trickle() -> None:
                with suppress(OSError):
                    while True:
                        await wire.send(b"X: y\r\n")
                        await asyncio.sleep(0.02)

            trickling = asyncio.create_task(trickle())
            async with asyncio.timeout(20):
                assert b" 408 " in await wire.reader.readline()
            trickling.cancel()
            await asyncio.gather(trickling, return_exceptions=True)
            await wire.close()

    run(main)


@pytest.mark.parametrize("token", [{}, TOKEN])
def test_a_body_that_stops_half_way_is_ended(tmp_path: Path, token: dict[str, str]) -> None:
    head = b"POST /releases HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{"

    async def main() -> None:
        async with running(tmp_path, **SHORT, **token) as place:
            status = b" 401 " if token else b" 408 "
            assert status in (await until_closed(place, "admin", head)).partition(b"\r\n")[0]

    run(main)


def test_who_has_no_token_is_told_before_the_body_is_taken(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path, **TOKEN) as place:
            head = b"POST /releases HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000000\r\n\r\n"
            assert b" 401 " in (await until_closed(place, "admin", head)).partition(b"\r\n")[0]

    run(main)


@BOTH
def test_what_is_too_large_is_refused(tmp_path: Path, api: str) -> None:
    async def main() -> None:
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

    run(main)


@BOTH
def test_silent_connections_lock_nobody_out(
    tmp_path: Path, api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One above the limit costs the one that was silent for the longest, not the new one."""
    monkeypatch.setattr(limits, "_OWN_CONNECTIONS", 8)

    async def main() -> None:
        async with running(tmp_path, **TOKEN) as place:
            held = [await connect(place, api) for _ in range(30)]
            wire = await connect(place, api)
            await wire.send(ASK)
            assert b" 200 " in await wire.reader.readline()
            closed = [asyncio.create_task(one.rest()) for one in held]
            while sum(task.done() for task in closed) < 20:
                await asyncio.wait(
                    [task for task in closed if not task.done()],
                    return_when=asyncio.FIRST_COMPLETED,
                )
            for one in (*held, wire):
                await one.close()
            await asyncio.gather(*closed)

    run(main)


def test_a_connection_serves_many_requests(tmp_path: Path) -> None:
    async def main() -> None:
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

    run(main)


def test_a_call_goes_on_when_its_caller_leaves(tmp_path: Path) -> None:
    async def main() -> None:
        async with running(tmp_path) as place, place.peer() as peer:
            call = asyncio.create_task(place.publish(story(), wait=30))
            assert (await peer.configuration())["type"] == "reconfigure"
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            assert (await place.ask("GET", "/releases/1")).status == 200

    run(main)
