# SPDX-License-Identifier: Apache-2.0
"""A WebSocket on asyncio streams, server side, with ping payloads in sight (wsproto)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.utilities import ProtocolError

from gateway.errors import ClusterError

TOO_LARGE = 1009
GOING_AWAY = 1001
POLICY = 1008

Received = BytesMessage | TextMessage | Ping
"""What ``messages`` yields; messages are whole."""

_CHUNK = 65536


class Wire:
    """One connection: first the upgrade request, then messages and pings.

    Every method may raise ``ClusterError`` (the peer broke the protocol) or ``OSError``.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, max_message: int
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._max_message = max_message
        self._websocket = WSConnection(ConnectionType.SERVER)

    async def request(self) -> Request:
        """Wait for the upgrade request."""
        while True:
            if not await self._read():
                raise ClusterError("the connection ended before the upgrade request was complete")
            for event in self._events():
                if isinstance(event, Request):
                    return event

    async def accept(self) -> None:
        """Say yes to the upgrade."""
        await self.send(AcceptConnection())

    async def reject(self, status: int, text: str) -> None:
        """Say no to the upgrade with an HTTP status and a text."""
        body = text.encode()
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        await self.send(RejectConnection(status_code=status, headers=headers, has_body=True))
        await self.send(RejectData(data=body))

    async def messages(self) -> AsyncGenerator[Received, None]:
        """Yield whole messages and pings until the peer closes; its close is answered."""
        parts: list[bytes | str] = []
        size = 0
        while True:
            for event in self._events():
                if isinstance(event, CloseConnection):
                    if self._websocket.state is ConnectionState.REMOTE_CLOSING:
                        await self.send(event.response())
                    return
                if isinstance(event, Ping):
                    yield event
                elif isinstance(event, (BytesMessage, TextMessage)):
                    parts.append(
                        bytes(event.data) if isinstance(event, BytesMessage) else event.data
                    )
                    size += len(event.data)
                    if size > self._max_message:
                        await self.close(TOO_LARGE, "message too large")
                        raise ClusterError(f"a message has more than {self._max_message} bytes")
                    if event.message_finished:
                        yield _whole(event, parts)
                        parts, size = [], 0
            if not await self._read():
                return

    async def send(self, event: Event) -> None:
        """Send and wait until the peer has taken most of it."""
        self._writer.write(self._websocket.send(event))
        await self._writer.drain()

    def pong(self) -> None:
        """Answer a ping with an empty payload, as Kong does.

        Does not wait: a large configuration may be on its way, and pings must be read meanwhile.
        """
        self._writer.write(self._websocket.send(Pong()))

    async def close(self, code: int, reason: str) -> None:
        """Send a close frame, unless one was sent already."""
        if self._websocket.state in (ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING):
            await self.send(CloseConnection(code=code, reason=reason))

    async def _read(self) -> bool:
        data = await self._reader.read(_CHUNK)
        if data:
            try:
                self._websocket.receive_data(data)
            except ProtocolError as error:
                raise ClusterError(f"not a WebSocket: {error}") from None
        return bool(data)

    def _events(self) -> list[Event]:
        # Read out before any of them is handled: the iterator is not re-entrant.
        try:
            return list(self._websocket.events())
        except ProtocolError as error:
            raise ClusterError(f"the peer broke the WebSocket protocol: {error}") from None


def _whole(last: BytesMessage | TextMessage, parts: list[bytes | str]) -> Received:
    if isinstance(last, BytesMessage):
        return BytesMessage(data=b"".join(p for p in parts if isinstance(p, bytes)))
    return TextMessage(data="".join(p for p in parts if isinstance(p, str)))
