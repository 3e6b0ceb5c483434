# SPDX-License-Identifier: Apache-2.0
"""The control plane's end of the WebSocket: it is asked for the upgrade, and accepts or rejects."""

from __future__ import annotations

from wsproto import ConnectionType
from wsproto.events import AcceptConnection, RejectConnection, RejectData, Request

from gateway.errors import ClusterError
from gateway.hybrid.extensions import HEADER
from gateway.hybrid.websocket import WebSocket


class ServerSocket(WebSocket):
    """A connection from a data plane."""

    end = ConnectionType.SERVER
    peer = "the data plane"

    async def request(self) -> Request:
        """Wait for the upgrade request."""
        while (event := await self._next(None)) is not None:
            if isinstance(event, Request):
                return event
        raise ClusterError("the connection ended before the upgrade request was complete")

    async def accept(self, extensions: str = "") -> None:
        """Accept the upgrade; say what else is taken beside Kong's protocol."""
        headers = [(HEADER, extensions.encode())] if extensions else []
        await self.send(AcceptConnection(extra_headers=headers))

    async def reject(self, status: int, text: str) -> None:
        """Reject the upgrade with an HTTP status and a text."""
        body = text.encode()
        headers = [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"connection", b"close"),
        ]
        await self.send(RejectConnection(status_code=status, headers=headers, has_body=True))
        await self.send(RejectData(data=body))
