# SPDX-License-Identifier: Apache-2.0
"""Both ends of the hybrid protocol's WebSocket, on real sockets with TLS."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from wsproto.events import BytesMessage, Ping, TextMessage

from gateway.errors import ClusterError
from gateway.hybrid.client_socket import ClientSocket
from gateway.hybrid.server_socket import ServerSocket
from gateway.hybrid.websocket import GOING_AWAY, Received
from gateway.pem import load_chain
from tests.support.authority import client_context, shared_pair
from tests.support.waiting import PATIENCE
from tests.unit.gateway.hybrid.test_client_socket import NAME, address

PAIR = shared_pair(NAME)


@asynccontextmanager
async def connected(
    serve: Callable[[ServerSocket], Awaitable[None]], largest: int = 1024
) -> AsyncIterator[ClientSocket]:
    """Connect a client to a server that accepts the upgrade; what ``serve`` raises comes out."""
    served: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load_chain(tls, *PAIR)

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        socket = ServerSocket(reader, writer, largest)
        try:
            await socket.request()
            await socket.accept()
            await serve(socket)
            served.set_result(None)
        except Exception as error:
            served.set_exception(error)
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    trusting = client_context(PAIR.certificate, None)
    client = await ClientSocket.connect(address(server), trusting, largest)
    try:
        yield client
        await client.leave()
        await asyncio.wait_for(served, PATIENCE)
    finally:
        server.close()


async def test_messages_and_pings_arrive_whole_and_in_order() -> None:
    received: list[Received] = []

    async def serve(socket: ServerSocket) -> None:
        received.extend([message async for message in socket.messages()])

    async with connected(serve) as client:
        client.write(BytesMessage(data=b"first ", message_finished=False))
        client.write(BytesMessage(data=b"half"))
        client.write(Ping(payload=b"a hash"))
        client.write(TextMessage(data="text"))
    assert received == [BytesMessage(b"first half"), Ping(b"a hash"), TextMessage("text")]


async def test_messages_end_when_the_peer_closes() -> None:
    async def serve(socket: ServerSocket) -> None:
        await socket.send(BytesMessage(data=b"last"))
        await socket.close(GOING_AWAY, "stopping")
        assert [message async for message in socket.messages()] == []

    async with connected(serve) as client:
        assert [message async for message in client.messages()] == [BytesMessage(b"last")]


async def test_a_ping_is_answered_unless_the_connection_is_ending() -> None:
    async def serve(socket: ServerSocket) -> None:
        async for message in socket.messages():
            assert isinstance(message, Ping)
            socket.pong()
        socket.pong()

    async with connected(serve) as client:
        client.write(Ping(payload=b"0"))


async def test_a_message_above_the_limit_breaks_the_connection() -> None:
    async def serve(socket: ServerSocket) -> None:
        with pytest.raises(ClusterError, match="the data plane sent more than 1024 bytes"):
            await anext(socket.messages())

    async with connected(serve) as client:
        client.write(BytesMessage(data=b"x" * 1025))
        assert [message async for message in client.messages()] == []


async def test_a_silent_peer_is_an_error() -> None:
    async def serve(socket: ServerSocket) -> None:
        assert [message async for message in socket.messages()] == []

    async with connected(serve) as client:
        with pytest.raises(ClusterError, match="no sign of the control plane"):
            await anext(client.messages(silence=0.02))


async def test_nothing_can_be_sent_after_a_close_frame() -> None:
    async def serve(socket: ServerSocket) -> None:
        assert [message async for message in socket.messages()] == []

    async with connected(serve) as client:
        await client.close()
        with pytest.raises(ClusterError, match="is ending"):
            client.write(BytesMessage(data=b"too late"))


async def test_a_peer_that_sends_pings_and_takes_no_pongs_fills_no_memory() -> None:
    read = asyncio.Event()

    async def serve(socket: ServerSocket) -> None:
        transport = socket._writer.transport
        async for message in socket.messages():
            if isinstance(message, BytesMessage):
                read.set()
                return
            socket.pong(b"x" * 125)
            assert transport.get_write_buffer_size() < 256 * 1024

    async with connected(serve) as client:
        client._writer.transport.pause_reading()  # type: ignore[attr-defined]  # SSL has it
        for _ in range(100_000):
            await client.send(Ping(payload=b"x" * 125))
        await client.send(BytesMessage(data=b"done"))
        await asyncio.wait_for(read.wait(), PATIENCE)
