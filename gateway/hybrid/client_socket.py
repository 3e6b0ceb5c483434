# SPDX-License-Identifier: Apache-2.0
"""A WebSocket client connection on wsproto: binary messages, pings with a payload, pongs without.

wsproto because the payload of a ping is the configuration hash here, and the peer answers with an
empty pong: libraries that match pongs with pings would take that for a dead connection.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.utilities import ProtocolError

from gateway.errors import ClusterError

_CHUNK = 65536
_HANDSHAKE = 10.0


@dataclass(frozen=True)
class Address:
    """Where to connect: TCP host and port, the TLS name asked for, the request target."""

    host: str
    port: int
    server_name: str
    target: str


class WebSocket:
    """One connection. All failures are ``ClusterError`` or ``OSError``."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, largest: int
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._largest = largest
        self._protocol = WSConnection(ConnectionType.CLIENT)

    @classmethod
    async def connect(cls, address: Address, tls: ssl.SSLContext, largest: int) -> WebSocket:
        """Open a connection; messages above ``largest`` bytes break it."""
        async with asyncio.timeout(_HANDSHAKE):
            reader, writer = await asyncio.open_connection(
                address.host, address.port, ssl=tls, server_hostname=address.server_name
            )
            socket = cls(reader, writer, largest)
            try:
                await socket._shake_hands(address)
            except BaseException:
                writer.transport.abort()
                raise
        return socket

    async def messages(self, silence: float) -> AsyncIterator[bytes | None]:
        """Yield each binary message, and None for every other sign of life.

        Ends when the peer closes; raises ``ClusterError`` after ``silence`` seconds without any
        frame.
        """
        parts: list[bytes] = []
        while True:
            # What came with the handshake's answer is there before the first read.
            for event in self._events():
                if isinstance(event, CloseConnection):
                    return
                if isinstance(event, BytesMessage):
                    parts.append(bytes(event.data))
                    self._check_size(parts)
                    if event.message_finished:
                        yield b"".join(parts)
                        parts = []
                else:
                    self._answer(event)
                    yield None
            if not await self._read(silence):
                return

    def send(self, message: bytes) -> None:
        """Send a binary message."""
        self._send(BytesMessage(data=message))

    def ping(self, payload: bytes) -> None:
        """Send a ping with this payload."""
        self._send(Ping(payload=payload))

    async def close(self) -> None:
        """Say goodbye and close, without waiting for the answer."""
        try:
            self._send(CloseConnection(code=1000))
            async with asyncio.timeout(0.5):
                await self._writer.drain()
        except (ClusterError, OSError, TimeoutError):
            pass
        self._writer.transport.abort()

    async def _shake_hands(self, address: Address) -> None:
        host = f"[{address.host}]" if ":" in address.host else address.host
        self._send(Request(host=f"{host}:{address.port}", target=address.target))
        while await self._read(_HANDSHAKE):
            for event in self._events():
                if isinstance(event, AcceptConnection):
                    return
                if isinstance(event, RejectConnection):
                    status = event.status_code
                    raise ClusterError(f"the control plane answered with HTTP status {status}")
        raise ClusterError("the control plane closed the connection in the handshake")

    async def _read(self, silence: float) -> bool:
        try:
            async with asyncio.timeout(silence):
                data = await self._reader.read(_CHUNK)
        except TimeoutError:
            raise ClusterError(f"no sign of the control plane for {silence:.0f} s") from None
        if data:
            try:
                self._protocol.receive_data(data)
            except ProtocolError as error:
                raise ClusterError(f"the control plane broke the protocol: {error}") from None
        return bool(data)

    def _events(self) -> Iterator[Event]:
        try:
            yield from self._protocol.events()
        except ProtocolError as error:
            raise ClusterError(f"the control plane broke the protocol: {error}") from None

    def _answer(self, event: Event) -> None:
        if isinstance(event, Ping):
            self._send(event.response())
        elif isinstance(event, TextMessage | RejectData):
            raise ClusterError("the control plane sent a text frame")

    def _check_size(self, parts: list[bytes]) -> None:
        if sum(map(len, parts)) > self._largest:
            raise ClusterError(
                f"the control plane sent more than {self._largest} bytes; "
                "KONG_CLUSTER_MAX_PAYLOAD allows no more"
            )

    def _send(self, event: Event) -> None:
        try:
            self._writer.write(self._protocol.send(event))
        except ProtocolError as error:
            raise ClusterError(f"the connection to the control plane is ending: {error}") from None
