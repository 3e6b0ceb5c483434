# SPDX-License-Identifier: Apache-2.0
"""What the Admin and status listeners bear from callers without a token."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.http import limits
from tests.support.control_plane import connect, running, until_closed
from tests.support.waiting import PATIENCE

SHORT = {"client_header_timeout": "200ms", "client_body_timeout": "200ms", "idle_timeout": "200ms"}
TOKEN = {"admin_token": "planted-admin-token"}
BOTH = pytest.mark.parametrize("api", ["admin", "status"])
ASK = b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n"


@BOTH
async def test_a_silent_connection_is_closed(tmp_path: Path, api: str) -> None:
    async with running(tmp_path, **SHORT, **TOKEN) as place:
        assert await until_closed(place, api, b"") == b""


@BOTH
@pytest.mark.parametrize(
    "sent", [b"G", b"GET /status HTTP/1.1\r\n", b"GET /status HTTP/1.1\r\nHost: localhost\r\nX: "]
)
async def test_a_head_that_stops_half_way_is_408(tmp_path: Path, api: str, sent: bytes) -> None:
    async with running(tmp_path, **SHORT, **TOKEN) as place:
        assert b" 408 " in (await until_closed(place, api, sent)).partition(b"\r\n")[0]


async def test_a_head_that_trickles_in_is_408_all_the_same(tmp_path: Path) -> None:
    async with running(tmp_path, **SHORT, **TOKEN) as place:
        wire = await connect(place, "admin")
        await wire.send(b"GET /status HTTP/1.1\r\n")

        async def trickle() -> None:
            with suppress(OSError):
                while True:
                    await wire.send(b"X: y\r\n")
                    await asyncio.sleep(0.02)

        trickling = asyncio.create_task(trickle())
        async with asyncio.timeout(PATIENCE):
            assert b" 408 " in await wire.reader.readline()
        trickling.cancel()
        await asyncio.gather(trickling, return_exceptions=True)
        await wire.close()


@BOTH
async def test_silent_connections_lock_no_caller_out(
    tmp_path: Path, api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One above the limit costs the one that was silent for the longest, not the new one."""
    monkeypatch.setattr(limits, "_OWN_CONNECTIONS", 8)

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
