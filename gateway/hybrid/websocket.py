# SPDX-License-Identifier: Apache-2.0
"""A WebSocket on asyncio streams, for either end: whole messages, and pings whose payload is seen.

On wsproto, because the payload of a ping is the hash of a configuration here and its pong is empty:
libraries that match pongs with pings would take that for a dead connection.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator

from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, Pong, TextMessage
from wsproto.utilities import ProtocolError

from gateway.errors import ClusterError

NORMAL = 1000
GOING_AWAY = 1001
POLICY = 1008
TOO_LARGE = 1009
"""Codes of close frames (RFC 6455 section 7.4.1)."""

Received = BytesMessage | TextMessage | Ping
"""What ``messages`` yields; messages are whole."""

_CHUNK = 65536
_MOST_PONGS = 100
"""Pongs that wait at most until the peer takes something."""


class WebSocket:
    """One connection: first its end's handshake, then messages and pings.

    ``peer`` names the other end in errors; messages above ``largest`` bytes break the connection.
    Every method may raise ``ClusterError`` (the peer broke the protocol) or ``OSError``.
    """

    end: ConnectionType
    peer: str

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, largest: int
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._largest = largest
        self._protocol = WSConnection(self.end)
        self._events: deque[Event] = deque()
        self._pongs = 0
        """Sent since the peer had taken all there was."""

    async def messages(self, silence: float | None = None) -> AsyncGenerator[Received, None]:
        """Yield whole messages and pings until the peer closes; its close frame gets ours.

        Raises ``ClusterError`` when nothing at all comes for ``silence`` seconds.
        """
        parts: list[bytes | str] = []
        size = 0
        while (event := await self._next(silence)) is not None:
            if isinstance(event, CloseConnection):
                if self._protocol.state is ConnectionState.REMOTE_CLOSING:
                    await self.send(event.response())
                return
            if isinstance(event, Ping):
                yield event
            elif isinstance(event, BytesMessage | TextMessage):
                parts.append(event.data if isinstance(event.data, str) else bytes(event.data))
                size += len(event.data)
                if size > self._largest:
                    await self._refuse_size()
                if event.message_finished:
                    yield _whole(event, parts)
                    parts, size = [], 0

    def write(self, event: Event) -> None:
        """Send without waiting until the peer has taken anything."""
        try:
            self._writer.write(self._protocol.send(event))
        except ProtocolError as error:
            raise ClusterError(f"the connection to {self.peer} is ending: {error}") from None

    async def send(self, event: Event) -> None:
        """Send and wait until the peer has taken most of it."""
        self.write(event)
        await self._writer.drain()

    def pong(self, payload: bytes = b"") -> None:
        """Answer a ping, unless the connection is ending.

        Does not wait: a large configuration may be on its way, and pings must be read meanwhile.
        Of a peer that sends pings and takes no pongs not all are answered (RFC 6455 section 5.5.3).
        """
        if self._protocol.state is not ConnectionState.OPEN:
            return
        if not self._writer.transport.get_write_buffer_size():
            self._pongs = 0
        if self._pongs < _MOST_PONGS:
            self._pongs += 1
            self.write(Pong(payload=payload))

    async def close(self, code: int = NORMAL, reason: str = "") -> None:
        """Send a close frame, unless one was sent already."""
        if self._protocol.state in (ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING):
            await self.send(CloseConnection(code=code, reason=reason))

    async def _next(self, silence: float | None) -> Event | None:
        """Return the next event, None at the end of the connection."""
        try:
            # Frames that came with the handshake are there before the first read.
            self._events.extend(self._protocol.events())
            while not self._events:
                async with asyncio.timeout(silence):
                    data = await self._reader.read(_CHUNK)
                if not data:
                    return None
                self._protocol.receive_data(data)
                self._events.extend(self._protocol.events())
        except TimeoutError:
            raise ClusterError(f"no sign of {self.peer} for {silence:.0f} s") from None
        except ProtocolError as error:
            raise ClusterError(f"{self.peer} broke the WebSocket protocol: {error}") from None
        return self._events.popleft()

    async def _refuse_size(self) -> None:
        await self.close(TOO_LARGE, "message too large")
        raise ClusterError(
            f"{self.peer} sent more than {self._largest} bytes; "
            "KONG_CLUSTER_MAX_PAYLOAD allows no more"
        )


def _whole(last: BytesMessage | TextMessage, parts: list[bytes | str]) -> Received:
    if isinstance(last, BytesMessage):
        return BytesMessage(data=b"".join(p for p in parts if isinstance(p, bytes)))
    return TextMessage(data="".join(p for p in parts if isinstance(p, str)))
