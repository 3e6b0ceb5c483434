# SPDX-License-Identifier: Apache-2.0
"""One connection to a server: the parser of its responses and its deadline."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import NamedTuple, Protocol, cast

import httptools

from gateway.http.headers import Headers, upgrades_to
from gateway.native import parse_response

_MAX_HEAD = 131072
"""Most bytes of a response's head; what is longer is no response."""


class Reader(Protocol):
    """Gets the response to its request piece by piece. ``received`` ends each batch of pieces."""

    bodyless: bool
    """The request was HEAD: its response has no body whatever its headers say."""
    upgrade: bytes | None
    """The protocol that the request asks for: only to that one may the server switch."""

    def on_head(self, status: int, headers: Headers) -> None:
        """Take the final status and headers; interim responses are swallowed."""

    def on_whole(self, status: int, headers: Headers, body: bytes) -> None:
        """Take a whole response, its headers those for the client, in place of all of these."""

    def on_piece(self, piece: bytes) -> None:
        """Take a piece of the body."""

    def on_end(self) -> None:
        """The response is complete; the connection is no longer the reader's."""

    def received(self) -> None:
        """All that has arrived so far was handed over."""

    def on_switch(self, headers: Headers, transport: asyncio.Transport, rest: bytes) -> None:
        """Take the transport: the server sent 101, and ``rest`` behind it."""

    def on_failure(self, error: Exception) -> None:
        """The response will not come, or not to its end; the connection is gone."""


class ConnectionKey(NamedTuple):
    """What connections must agree in to stand in for each other."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    address: str = ""
    """Where a balancer wants it; else where DNS says that the host is."""


class OutgoingConnection(asyncio.Protocol):
    """At most one request at a time.

    ``on_idle`` gets the connection when a response was read to its end and another request may
    be sent; ``on_gone`` when it is of no more use.
    """

    def __init__(
        self,
        key: ConnectionKey,
        loop: asyncio.AbstractEventLoop,
        *,
        on_idle: Callable[[OutgoingConnection], None],
        on_gone: Callable[[OutgoingConnection], None],
    ) -> None:
        self.key = key
        self.served = 0
        self.idle_since = 0.0
        self.transport: asyncio.Transport
        self._loop = loop
        self._on_idle = on_idle
        self._on_gone = on_gone
        self._reader: Reader | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._headers: Headers = []
        self._switching: Headers = []
        """Of a 101."""
        self._head_bytes = 0
        self._in_body = False
        self._until_close = False
        self._reusable = True
        self._sending = False
        self._lost = False
        self._complete = False
        self._stopped = False
        self._deadline = float("inf")
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = float("inf")
        self._writable: asyncio.Future[None] | None = None
        self._paused = False

    # --- for who asks ------------------------------------------------------------------------

    @property
    def silent(self) -> bool:
        """Nothing has come yet of the response that is awaited."""
        return not self._head_bytes

    def send(self, reader: Reader, data: bytes, timeout: float, *, more: bool = False) -> None:
        """Send a request; ``more`` says that pieces of its body follow with ``write``."""
        self._reader = reader
        self.served += 1
        self._head_bytes = 0
        self._in_body = self._until_close = self._complete = False
        self._sending = more
        self.transport.write(data)
        self.expect_within(timeout)

    async def write(self, data: bytes, timeout: float) -> None:  # noqa: ASYNC109  # a deadline
        """Send a piece of the body, when the server takes it."""
        if self._lost:
            raise ConnectionResetError("the connection was closed by the server")
        self.transport.write(data)
        self.expect_within(timeout)
        if self._paused:
            self._writable = self._loop.create_future()
            await self._writable

    def sent(self, timeout: float) -> None:
        """The request is complete."""
        self._sending = False
        if self._reader is not None:
            self.expect_within(timeout)

    def expect_within(self, timeout: float) -> None:
        """Something must happen within ``timeout`` seconds.

        The timer is set only when none would fire early enough, and looks at the deadline when it
        does: most requests neither set nor cancel one.
        """
        if self._stopped:
            return
        if timeout == float("inf"):
            self._deadline = timeout
            return
        self._deadline = deadline = self._loop.time() + timeout
        if self._timer is None or deadline < self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer_at = deadline
            self._timer = self._loop.call_at(deadline, self._look)

    def pause(self) -> None:
        """Stop reading: the client is slower than the server, for which there is no timeout."""
        self._deadline = float("inf")
        self._stopped = True
        if not self._lost:
            self.transport.pause_reading()

    def resume(self, timeout: float) -> None:
        """Read again."""
        self._stopped = False
        if not self._lost:
            self.transport.resume_reading()
            if self._reader is not None:
                self.expect_within(timeout)

    def abort(self) -> None:
        """Cut the connection; the reader hears nothing any more."""
        self._reader = None
        self._release_writer()
        self.transport.abort()

    def close(self) -> None:
        """Close an idle connection."""
        self._reader = None
        self.transport.close()

    # --- transport ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """End a response that ends with its connection; anything else under way has failed."""
        self._lost = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._release_writer()
        self._on_gone(self)
        reader, self._reader = self._reader, None
        if reader is None:
            return
        if self._in_body and self._until_close and exc is None:
            reader.on_end()
        else:
            reader.on_failure(
                exc or ConnectionResetError("the connection was closed by the server")
            )

    def data_received(self, data: bytes) -> None:
        """Parse; bytes that were not asked for end the connection."""
        reader = self._reader
        if reader is None:
            self._on_gone(self)
            self.transport.abort()
            return
        if not (self._head_bytes or self._sending or reader.bodyless):
            whole = parse_response(data)
            if whole is not None:
                self._reader = None
                on_idle = self._on_idle
                on_idle(self)
                status, headers, body = whole
                reader.on_whole(status, headers, body)
                return
        if not self._in_body:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
            if self._head_bytes > _MAX_HEAD and not self._in_body and self._reader is not None:
                raise ValueError("the head of the response is too large")
        except httptools.HttpParserUpgrade as stop:
            self._switch(reader, data[stop.args[0] :])
            return
        except (httptools.HttpParserError, ValueError) as error:
            self._broken(error)
            return
        if self._complete:
            self._finish(reader)
        elif self._reader is reader:
            reader.received()

    def _switch(self, reader: Reader, rest: bytes) -> None:
        """Leave the transport to the reader, if it asked for this."""
        headers = self._switching
        if reader.upgrade is None or not upgrades_to(headers, reader.upgrade):
            self._broken(ValueError("the server switched to another protocol than was asked for"))
            return
        self._reader = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        reader.on_switch(headers, self.transport, rest)

    def _broken(self, error: Exception) -> None:
        reader, self._reader = self._reader, None
        self._reusable = False
        self.transport.abort()
        if reader is not None:
            reader.on_failure(error)

    def pause_writing(self) -> None:
        """Hold back ``write``."""
        self._paused = True

    def resume_writing(self) -> None:
        """Let ``write`` go on."""
        self._paused = False
        self._release_writer()

    def _release_writer(self) -> None:
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    def _look(self) -> None:
        self._timer = None
        if self._reader is None:
            return
        if self._loop.time() < self._deadline - 0.001:
            if self._deadline != float("inf"):
                self._timer_at = self._deadline
                self._timer = self._loop.call_at(self._deadline, self._look)
            return
        self._broken(TimeoutError("the server is too slow"))

    # --- parser ------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Notice bytes behind a complete response: whatever they are, they were not asked for."""
        if self._complete:
            self._reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header line, or a trailer, which is dropped."""
        if not self._in_body:
            self._headers.append((name, value.strip()))

    def on_headers_complete(self) -> None:
        """Hand over the head, unless it is an interim one."""
        headers, self._headers = self._headers, []
        status = self._parser.get_status_code()
        reader = self._reader
        if status < 200 or reader is None or self._complete:
            self._switching = headers
            return
        self._in_body = True
        names = {name.lower() for name, _ in headers}
        self._reusable = self._parser.should_keep_alive()
        self._until_close = not names & {b"content-length", b"transfer-encoding"}
        reader.on_head(status, headers)
        if reader.bodyless:
            # The parser would wait for the body that the headers describe.
            self._parser = httptools.HttpResponseParser(self)
            self._complete = True

    def on_body(self, piece: bytes) -> None:
        """Hand over a piece of the body."""
        if self._reader is None:
            return
        if self._complete:
            self._reusable = False
        else:
            self._reader.on_piece(piece)

    def on_message_complete(self) -> None:
        """Take down the end of the response, unless it was an interim one."""
        if self._in_body:
            self._complete = True

    def _finish(self, reader: Reader) -> None:
        """Hand the connection back, when all of the buffer was parsed and nothing stood behind."""
        self._reader = None
        if self._reusable and not self._sending:
            self._on_idle(self)
        else:
            self.transport.close()
        reader.on_end()
