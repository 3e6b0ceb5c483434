# SPDX-License-Identifier: Apache-2.0
"""Messages between master and worker over an inherited socket pair.

A message on the wire: two big-endian 32-bit lengths, a JSON head ``[kind, data]``, and raw bytes
that need no second encoding (a configuration of many megabytes is dumped once for all workers).
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple, cast

import orjson

_LENGTHS = struct.Struct(">II")


class Command(StrEnum):
    """What a master asks of a worker: ``Worker.receive`` has the method that does each."""

    INIT = "init"
    """Take the settings; the first message."""
    PREPARE = "prepare"
    """Compile the release in the body beside the one that is served."""
    COMMIT = "commit"
    """Serve the release that was prepared."""
    DISCARD = "discard"
    """Forget the release that was prepared."""
    LISTEN = "listen"
    """Open the listeners."""
    STATS = "stats"
    """Report what was counted."""
    PING = "ping"
    """Show that the event loop runs."""
    PURGE = "purge"
    """Remove cached responses from where all nodes have them; the data has their prefix."""
    HEALTH = "health"
    """Know how the peers of upstreams stand; a worker's message of this kind reports on peers."""
    PART = "part"
    """Close each connection with its next response, or keep them again."""
    TRY = "try"
    """Serve the request in the body, and tell what was done with it."""
    DRAIN = "drain"
    """Finish what is under way, and end."""


REPLY = "reply"
"""The kind of a worker's messages, but for its reports: ``Command.STATS``, ``Command.HEALTH``."""


class Message(NamedTuple):
    """What one end sends to the other."""

    kind: str
    data: dict[str, Any]
    body: bytes = b""


class WorkerChannel(asyncio.Protocol):
    """One end of the pair, on the running loop. Both callbacks are called on the loop's thread."""

    def __init__(self, on_message: Callable[[Message], None], on_close: Callable[[], None]) -> None:
        self._on_message = on_message
        self._on_close = on_close
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(
        cls,
        end: socket.socket,
        on_message: Callable[[Message], None],
        on_close: Callable[[], None],
    ) -> WorkerChannel:
        """Start reading from ``end``; the channel owns the socket from now on."""
        loop = asyncio.get_running_loop()
        _, channel = await loop.create_unix_connection(lambda: cls(on_message, on_close), sock=end)
        return channel

    def send(self, kind: str, data: dict[str, Any] | None = None, body: bytes = b"") -> None:
        """Queue a message; nothing happens when the other side is gone."""
        if self._transport is None or self._transport.is_closing():
            return
        head = orjson.dumps([kind, data or {}])
        self._transport.write(_LENGTHS.pack(len(head), len(body)) + head)
        if body:
            self._transport.write(body)

    def close(self) -> None:
        """Close once everything queued is written."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; called by the loop."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Hand on every message that is complete; called by the loop."""
        received = self._received
        received += data
        while len(received) >= _LENGTHS.size:
            head, body = _LENGTHS.unpack_from(received)
            end = _LENGTHS.size + head + body
            if len(received) < end:
                return
            cut = _LENGTHS.size + head
            kind, fields = orjson.loads(received[_LENGTHS.size : cut])
            message = Message(kind, fields, bytes(received[cut:end]))
            del received[:end]
            self._on_message(message)

    def connection_lost(self, exc: Exception | None) -> None:
        """Report that the other side is gone; called by the loop."""
        self._transport = None
        self._on_close()
