# SPDX-License-Identifier: Apache-2.0
"""A data plane that is nothing but its side of the hybrid protocol, frame by frame (wsproto)."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import orjson
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
    Request,
    TextMessage,
)

from gateway import COMPATIBLE_WITH
from gateway.entities.plugin_types import plugin_types
from gateway.hybrid.extensions import HEADER
from tests.support.waiting import PATIENCE

ZEROS = "0" * 32


def all_plugins() -> list[dict[str, str]]:
    """Return the plugins of a data plane of this very version, as basic_info lists them."""
    return [{"name": name, "version": one.version} for name, one in plugin_types().items()]


class Peer:
    """A data plane's connection. Every wait ends after ``within`` seconds."""

    within = PATIENCE
    extensions = ""
    """What the control plane takes beside Kong's protocol."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._websocket = WSConnection(ConnectionType.CLIENT)
        self._events: list[Event] = []
        self._parts: list[bytes] = []

    @classmethod
    async def dial(cls, port: int, tls: ssl.SSLContext, name: str) -> Peer:
        """Connect by TLS; raises ``OSError`` when the server does not want us."""
        opened = asyncio.open_connection(
            "127.0.0.1", port, ssl=tls, server_hostname=name, ssl_shutdown_timeout=1
        )
        return cls(*await asyncio.wait_for(opened, cls.within))

    def server_certificate(self) -> bytes:
        """Return the certificate that the server showed, as DER."""
        shown: bytes = self._writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        return shown

    async def upgrade(
        self, path: str = "/v1/outlet", query: Mapping[str, str] | None = None
    ) -> int:
        """Ask for the upgrade; return the HTTP status, 0 when there is no response."""
        target = f"{path}?{urlencode(query or {})}"
        await self.send(Request(host="control-plane", target=target))
        event = await self.event()
        if isinstance(event, AcceptConnection):
            self.extensions = dict(event.extra_headers).get(HEADER, b"").decode()
            return 101
        return event.status_code if isinstance(event, RejectConnection) else 0

    async def join(
        self,
        node: str = "",
        *,
        version: str = COMPATIBLE_WITH,
        plugins: Sequence[Mapping[str, str]] | None = None,
        labels: Mapping[str, str] | None = None,
        hostname: str = "node-a",
    ) -> None:
        """Upgrade and say who we are."""
        query = {
            "node_id": node or str(uuid4()),
            "node_version": version,
            "node_hostname": hostname,
        }
        assert await self.upgrade(query=query) == 101
        info: dict[str, Any] = {"type": "basic_info", "process_conf": {}, "filters": {}}
        info["plugins"] = all_plugins() if plugins is None else list(plugins)
        if labels is not None:
            info["labels"] = dict(labels)
        await self.say(info)

    async def say(self, message: Any) -> None:
        """Send JSON as a binary frame."""
        await self.send(BytesMessage(data=orjson.dumps(message)))

    async def ping(self, payload: str = ZEROS) -> bytes:
        """Send a ping; return the payload of the pong."""
        await self.send(Ping(payload=payload.encode()))
        event = await self.event()
        assert isinstance(event, Pong), event
        return bytes(event.payload)

    async def refuse(self, config_hash: str, message: str) -> None:
        """Say that a configuration cannot be served."""
        error = {"name": "configuration reload failed", "message": message}
        await self.say({"type": "error", "error": {**error, "config_hash": config_hash}})

    async def frame(self) -> bytes:
        """Wait for a binary message and return it as it came."""
        event = await self.event()
        assert isinstance(event, BytesMessage), event
        return bytes(event.data)

    async def configuration(self) -> dict[str, Any]:
        """Wait for a configuration."""
        message: dict[str, Any] = orjson.loads(gzip.decompress(await self.frame()))
        return message

    async def ended(self) -> int | None:
        """Wait for the end of the connection; return the code of the close frame, if any."""
        code = None
        while (event := await self.event()) is not None:
            if isinstance(event, CloseConnection):
                code = int(event.code)
                await self._respond(event)
        return code

    async def send(self, event: Event) -> None:
        """Send any frame."""
        self._writer.write(self._websocket.send(event))
        await self._writer.drain()

    async def write(self, data: bytes) -> None:
        """Send bytes that need not be a frame."""
        self._writer.write(data)
        await self._writer.drain()

    async def event(self) -> Event | None:
        """Wait for whole messages, pongs, closes; None at the end of the connection."""
        async with asyncio.timeout(self.within):
            while not self._events:
                try:
                    data = await self._reader.read(65536)
                except OSError:
                    data = b""
                if not data:
                    return None
                self._websocket.receive_data(data)
                for event in self._websocket.events():
                    self._collect(event)
        return self._events.pop(0)

    def _collect(self, event: Event) -> None:
        if isinstance(event, BytesMessage):
            self._parts.append(bytes(event.data))
            if event.message_finished:
                self._events.append(BytesMessage(data=b"".join(self._parts)))
                self._parts = []
        elif not isinstance(event, TextMessage):
            self._events.append(event)

    async def serve(self, judge: Callable[[dict[str, Any]], str | None]) -> None:
        """Take every configuration: confirm it, or refuse it when ``judge`` returns a reason."""
        while (event := await self.event()) is not None:
            if isinstance(event, BytesMessage):
                message = orjson.loads(gzip.decompress(event.data))
                reason = judge(message["config_table"])
                if reason is None:
                    await self.send(Ping(payload=message["config_hash"].encode()))
                else:
                    await self.refuse(message["config_hash"], reason)
            elif isinstance(event, CloseConnection):
                await self._respond(event)

    async def _respond(self, close: CloseConnection) -> None:
        if self._websocket.state is ConnectionState.REMOTE_CLOSING:
            with suppress(OSError):
                await self.send(close.response())

    def hang_up(self) -> None:
        """Cut the connection off without a word."""
        self._writer.transport.abort()

    async def close(self) -> None:
        """Close the connection without a close frame."""
        self._writer.close()
        with suppress(OSError, TimeoutError):
            await asyncio.wait_for(self._writer.wait_closed(), self.within)


@asynccontextmanager
async def connected(port: int, tls: ssl.SSLContext, name: str) -> AsyncIterator[Peer]:
    """Dial, and close at the end."""
    peer = await Peer.dial(port, tls, name)
    try:
        yield peer
    finally:
        await peer.close()
