# SPDX-License-Identifier: Apache-2.0
"""When a connection is read and when it may be written to: back-pressure in both directions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.http.context import Context

PIPELINED, STREAM_FULL, UNWRITTEN, HANDSHAKE, OTHERS_TURN = 1, 2, 4, 8, 16
"""Why reading is paused; bits."""


class FlowControl:
    """The socket of one connection, as far as its pace goes.

    ``on_resumed`` is called when the last reason not to read has gone: what was received before
    that is in ``input``.
    """

    __slots__ = (
        "_clock",
        "_loop",
        "_measured",
        "_on_resumed",
        "_writable",
        "input",
        "input_closed",
        "lost",
        "pauses",
        "since",
        "transport",
        "write_paused",
    )

    def __init__(self, context: Context, on_resumed: Callable[[], None]) -> None:
        self._clock = context.clock
        self._loop = context.loop
        self._on_resumed = on_resumed
        self.transport: asyncio.Transport
        self.input = b""
        """Received, but not read yet: a head that is not whole, or reading is paused."""
        self.input_closed = False
        """No more requests are taken from this connection; input is dropped."""
        self.pauses = 0
        self.since = 0.0
        """When the client last did what it is waited for, by the context's clock."""
        self.write_paused = False
        self.lost = False
        self._writable: asyncio.Future[None] | None = None
        self._measured: tuple[float, int] | None = None
        """When the client was last seen to read enough, and what it had not taken by then."""

    def restart_clock(self) -> None:
        """Measure from now on how long the client takes."""
        self.since = self._clock.now

    def pause(self, reason: int) -> None:
        """Stop reading for a reason."""
        if not self.pauses and not self.lost:
            self.transport.pause_reading()
        self.pauses |= reason

    def resume(self, reason: int) -> None:
        """Take a reason not to read away; read when it was the last."""
        if not self.pauses & reason:
            return
        self.pauses &= ~reason
        if not self.pauses and not self.lost:
            self.restart_clock()
            self.transport.resume_reading()
            self._on_resumed()

    def close_input(self) -> None:
        """Take no more requests; drop what was received and not read."""
        self.input_closed = True
        self.input = b""

    def take_input(self) -> bytes:
        """Return what was received and not read, which is then the caller's."""
        data, self.input = self.input, b""
        return data

    def pause_writing(self) -> None:
        """Stop reading from a client that does not read its responses."""
        self.write_paused = True
        self._measured = None
        self.restart_clock()
        self.pause(UNWRITTEN)

    def resume_writing(self) -> None:
        """The client reads again."""
        self.write_paused = False
        self._measured = None
        self._release_writer()
        self.resume(UNWRITTEN)

    def stuck(self, now: float, period: float, rate: int) -> bool:
        """Tell whether less than ``rate`` bytes a second of what was written went in a period.

        Asked again and again while something is left to be sent; ``period`` is in seconds.
        """
        left = self.transport.get_write_buffer_size()
        if self._measured is None:
            self._measured = now, left
        since, before = self._measured
        if now - since <= period:
            return False
        self._measured = now, left
        return before - left < max(1, rate * period)

    async def drained(self) -> None:
        """Wait until the client has read enough for more to be written."""
        if self.write_paused and not self.lost:
            self._writable = self._loop.create_future()
            try:
                await self._writable
            finally:
                self._writable = None

    def connection_lost(self) -> None:
        """Let writers go on, which then find the connection lost."""
        self.lost = True
        self.input = b""
        # It refers to the connection, which refers back.
        self._on_resumed = _nothing
        self._release_writer()

    def _release_writer(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)


def _nothing() -> None:
    """Nothing reads a connection that is lost."""
