# SPDX-License-Identifier: Apache-2.0
"""What follows a 101: the bytes of two sockets, each written to the other as they come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.http.client_connection import ConnectionUpgrade

_FLUSH = 5.0
"""Seconds that a closing tunnel gives a side to take its last bytes before it is cut."""


class Tunnel(ConnectionUpgrade):
    """Owns the upstream's transport at once, and the client's from ``start`` on.

    ``early`` is what the upstream sent behind its 101. A side that takes no bytes stops the reading
    of the other. The end of one side's bytes is passed on and leaves the other direction open,
    unless a side speaks TLS, which knows no half-close: then the tunnel ends. Without a byte in
    either direction for ``idle_timeout`` seconds it ends as well.
    """

    def __init__(self, upstream: asyncio.Transport, early: bytes, idle_timeout: float) -> None:
        self.moved = 0.0
        """When the last bytes came, by the loop's clock."""
        self.closed: Callable[[], None] | None = None
        """Called once when it has ended, or was given up."""
        self._early = early
        self._idle_timeout = idle_timeout
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._ended: Callable[[int], None] | None = None
        """Called at the end; set while the tunnel stands."""
        self._closing = False
        self._client: _Side
        self._upstream = _Side(self, upstream)
        upstream.pause_reading()

    def start(
        self,
        client: asyncio.Transport,
        early: bytes,
        paused: bool,
        ended: Callable[[int], None],
    ) -> None:
        """Move bytes; see ``ConnectionUpgrade.start``."""
        self._ended = ended
        self._client = _Side(self, client)
        self._client.other, self._upstream.other = self._upstream, self._client
        self._client.full = paused
        self.moved = self._loop.time()
        self._timer = self._loop.call_later(self._idle_timeout, self._look)
        self._client.write(self._early)
        self._upstream.write(early)
        if self._upstream.lost:
            self.lost()
        self._client.read_on()
        self._upstream.read_on()

    def abort(self) -> None:
        """Cut the upstream: the response that promised the tunnel is not sent."""
        self._upstream.transport.abort()

    def end(self) -> None:
        """Close both sides once they have taken what was written to them."""
        if self._closing:
            return
        self._closing = True
        self._client.transport.close()
        self._upstream.transport.close()
        self._stop_timer()
        self._timer = self._loop.call_later(_FLUSH, self._cut)

    def lost(self) -> None:
        """One socket is gone, and with it the tunnel: report, close the other."""
        closed, self.closed = self.closed, None
        if closed is not None:
            closed()
        ended, self._ended = self._ended, None
        if ended is not None:
            self.end()
            ended(self._client.written)
        elif self._closing:
            self._stop_timer()

    def _look(self) -> None:
        left = self.moved + self._idle_timeout - self._loop.time()
        if left <= 0:
            self.end()
        else:
            self._timer = self._loop.call_later(left, self._look)

    def _cut(self) -> None:
        self._client.transport.abort()
        self._upstream.transport.abort()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _Side(asyncio.Protocol):
    """One socket; what owned it before hears when it is gone."""

    other: _Side

    def __init__(self, tunnel: Tunnel, transport: asyncio.Transport) -> None:
        self.transport = transport
        self.written = 0
        self.full = False
        """This side does not take more bytes for now."""
        self.ended = False
        """This side sends no more."""
        self.lost = False
        self._tunnel = tunnel
        self._before = transport.get_protocol()
        transport.set_protocol(self)

    def write(self, data: bytes) -> None:
        """Send to this side."""
        if data and not self.transport.is_closing():
            self.written += len(data)
            self.transport.write(data)

    def read_on(self) -> None:
        """Read, if the other side takes bytes and this one may have more."""
        if not (self.other.full or self.ended or self.transport.is_closing()):
            self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """Pass bytes on."""
        tunnel = self._tunnel
        tunnel.moved = tunnel._loop.time()
        self.other.write(data)

    def eof_received(self) -> bool:
        """Pass the end on; True keeps the socket for the other direction."""
        self.ended = True
        other = self.other
        if not (self.transport.can_write_eof() and other.transport.can_write_eof()):
            self._tunnel.end()
            return False
        if other.transport.is_closing():
            return False
        other.transport.write_eof()
        if other.ended:
            self._tunnel.end()
        return True

    def pause_writing(self) -> None:
        """Stop the other side."""
        self.full = True
        if not self.other.transport.is_closing():
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        """Let the other side go on."""
        self.full = False
        self._tunnel.moved = self._tunnel._loop.time()
        self.other.read_on()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the tunnel."""
        self.lost = True
        self._before.connection_lost(exc)
        self._tunnel.lost()
