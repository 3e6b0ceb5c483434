# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from gateway.errors import ClusterError
from gateway.hybrid.server_socket import ServerSocket
from tests.support.waiting import PATIENCE

UPGRADE = (
    b"GET /v1/outlet HTTP/1.1\r\nHost: control-plane\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\n\r\n"
)


async def sent_back(data: bytes, serve: Callable[[ServerSocket], Awaitable[None]]) -> bytes:
    """Send bytes to a server; return all that it sends until it closes."""
    served: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(ServerSocket(reader, writer, 1024))
            served.set_result(None)
        except Exception as error:
            served.set_exception(error)
        finally:
            writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(data)
        writer.write_eof()
        found = await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()
        await served
        return found
    finally:
        server.close()


async def test_an_upgrade_is_accepted() -> None:
    async def serve(socket: ServerSocket) -> None:
        assert (await socket.request()).target == "/v1/outlet"
        await socket.accept()

    assert (await sent_back(UPGRADE, serve)).startswith(b"HTTP/1.1 101 ")


async def test_an_upgrade_is_rejected_with_status_and_text() -> None:
    async def serve(socket: ServerSocket) -> None:
        await socket.request()
        await socket.reject(404, "only /v1/outlet is served here")

    found = await sent_back(UPGRADE, serve)
    assert found.startswith(b"HTTP/1.1 404 ")
    assert found.endswith(b"\r\n\r\nonly /v1/outlet is served here")


@pytest.mark.parametrize(
    ("data", "error"),
    [(UPGRADE[:40], "before the upgrade request was complete"), (b"x\r\n\r\n", "broke the")],
)
async def test_what_is_no_upgrade_is_an_error(data: bytes, error: str) -> None:
    async def serve(socket: ServerSocket) -> None:
        with pytest.raises(ClusterError, match=error):
            await socket.request()

    await sent_back(data, serve)
