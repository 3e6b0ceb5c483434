# SPDX-License-Identifier: Apache-2.0
"""Connections that never finish their handshake: few, short, and in nobody's way."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from gateway.http.doorway import Doorway
from gateway.hybrid.server_tls import ClusterIdentity, server_context
from tests.support.authority import Authority, client_context
from tests.support.waiting import PATIENCE

NAME = "control-plane.test"
AUTHORITY = Authority()
SERVER = AUTHORITY.issue(NAME, server=True)
CLIENT = AUTHORITY.issue("data-plane")
IDENTITY = ClusterIdentity("pki", SERVER.certificate, SERVER.key, AUTHORITY.pem)


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"hello")
    await writer.drain()
    await reader.read()
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


def greeting() -> asyncio.Protocol:
    return asyncio.StreamReaderProtocol(asyncio.StreamReader(), greet)


@asynccontextmanager
async def doorway(handshake: float = 20.0, limit: int = 256) -> AsyncIterator[int]:
    made = Doorway(server_context(IDENTITY), greeting, handshake, 1.0, limit)
    sock = socket.create_server(("127.0.0.1", 0))
    port = sock.getsockname()[1]
    made.open([sock])
    try:
        yield port
    finally:
        made.close()
        await made.end()


class Stranger:
    """A connection that says nothing, or nonsense."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def come(cls, port: int, source: str = "127.0.0.1", says: bytes = b"") -> Stranger:
        opened = asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
        made = cls(*await opened)
        made.writer.write(says)
        return made

    async def sent_away(self) -> None:
        async with asyncio.timeout(PATIENCE):
            with suppress(ConnectionError):
                while await self.reader.read(65536):
                    pass

    async def leave(self) -> None:
        self.writer.close()
        with suppress(OSError):
            await self.writer.wait_closed()


async def welcome(port: int) -> None:
    """Come in with a certificate and be greeted."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", port, ssl=client_context(AUTHORITY.pem, CLIENT), server_hostname=NAME
    )
    async with asyncio.timeout(PATIENCE):
        assert await reader.readexactly(5) == b"hello"
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


@pytest.mark.parametrize("says", [b"", b"\x16\x03\x01\x02", b"GET / HTTP/1.1\r\n\r\n"])
async def test_who_does_not_finish_the_handshake_is_sent_away(says: bytes) -> None:
    async with doorway(handshake=0.3) as port:
        stranger = await Stranger.come(port, says=says)
        await stranger.sent_away()
        await stranger.leave()
        await welcome(port)


async def test_strangers_beyond_the_limit_cost_their_own_address_its_oldest() -> None:
    async with doorway(limit=8) as port:
        quiet = await Stranger.come(port, "127.0.0.2")
        flood = [await Stranger.come(port, "127.0.0.3") for _ in range(40)]
        for stranger in flood[:32]:
            await stranger.sent_away()
        await welcome(port)
        assert not quiet.reader.at_eof()
        for stranger in (quiet, *flood):
            await stranger.leave()


async def test_closing_sends_everybody_away() -> None:
    async with doorway() as port:
        stranger = await Stranger.come(port)
    await stranger.sent_away()
    await stranger.leave()
    with pytest.raises(OSError):  # whichever the system has for it
        await Stranger.come(port)
