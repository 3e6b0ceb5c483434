# SPDX-License-Identifier: Apache-2.0
"""The data plane's end of the WebSocket: it dials, and asks for the upgrade."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from wsproto import ConnectionType
from wsproto.events import AcceptConnection, RejectConnection, Request

from gateway.errors import ClusterError
from gateway.hybrid.extensions import HEADER
from gateway.hybrid.websocket import WebSocket

_HANDSHAKE = 10.0
_CLOSE = 0.5


@dataclass(frozen=True)
class Address:
    """Where to connect: TCP host and port, the TLS name asked for, the request target."""

    host: str
    port: int
    server_name: str
    target: str


class ClientSocket(WebSocket):
    """A connection to a control plane."""

    end = ConnectionType.CLIENT
    peer = "the control plane"
    extensions: frozenset[str] = frozenset()
    """What it takes beside Kong's protocol."""

    @classmethod
    async def connect(cls, address: Address, tls: ssl.SSLContext, largest: int) -> Self:
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

    async def leave(self) -> None:
        """Send a close frame and cut the connection, without waiting for the control plane's."""
        with suppress(ClusterError, OSError, TimeoutError):
            async with asyncio.timeout(_CLOSE):
                await self.close()
        self._writer.transport.abort()

    async def _shake_hands(self, address: Address) -> None:
        host = f"[{address.host}]" if ":" in address.host else address.host
        self.write(Request(host=f"{host}:{address.port}", target=address.target))
        while (event := await self._next(None)) is not None:
            if isinstance(event, AcceptConnection):
                given = dict(event.extra_headers).get(HEADER, b"").decode("latin-1")
                self.extensions = frozenset(word.strip() for word in given.split(","))
                return
            if isinstance(event, RejectConnection):
                status = event.status_code
                raise ClusterError(f"the control plane answered with HTTP status {status}")
        raise ClusterError("the control plane closed the connection in the handshake")
