# SPDX-License-Identifier: Apache-2.0
"""The answering half of a connection: requests in order, answers in the same order.

Requests of one connection are handled one after the other (RFC 9112 9.3.2 allows no parallel
unsafe requests); those that wait stand in a queue. Answers made while input is being parsed are
collected and written at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from time import monotonic

from gateway.errors import RequestRejected, UpstreamError
from gateway.http.context import Context
from gateway.http.generated_responses import error_response, json_response, message_of
from gateway.http.heads import latency_line
from gateway.http.incoming import Incoming
from gateway.http.messages import ConnectionUpgrade, FixedResponse, Pending, Request, Response
from gateway.http.streaming import discard, pump

_INTERNAL_ERROR = message_of(500)
_CLIENT_GONE = 499


class Replies(asyncio.Protocol):
    """Base of ``HttpProtocol``: what happens from a complete request on."""

    __slots__ = (
        "_application",
        "_closing",
        "_corked",
        "_current",
        "_deaf",
        "_finished",
        "_fixed",
        "_handle",
        "_incoming",
        "_lingering",
        "_out",
        "_pending",
        "_since",
        "_task",
        "_waiting",
        "_writable",
        "context",
        "has_asked",
        "here",
        "lost",
        "peer",
        "scheme",
        "server_port",
        "sni",
        "transport",
        "trusted",
        "write_paused",
    )

    def __init__(self, context: Context) -> None:
        self.context = context
        self.peer = ("", 0)
        self.scheme = "http"
        self.here = ""
        self.has_asked = False
        self.server_port = 0
        self.sni: str | None = None
        self.trusted = False
        self.transport: asyncio.Transport
        self._application = context.application
        self._handle = context.application.handle
        self._finished = context.application.finished
        self._fixed = context.heads.fixed
        self._out: list[bytes] = []
        self._waiting: deque[tuple[Request, int | Response]] = deque()
        self._current: Request | None = None
        """The request whose answer is awaited or being streamed."""
        self._incoming: Incoming | None = None
        """The request whose body is being received."""
        self._pending: Pending | None = None
        self._task: asyncio.Task[None] | None = None
        self._corked = False
        self._closing = False
        """The last answer is out, or on its way; nothing else will be sent."""
        self._deaf = False
        """No more requests are taken from this connection; input is dropped."""
        self._lingering = False
        self._since = 0.0
        self._writable: asyncio.Future[None] | None = None
        self.write_paused = False
        self.lost = False

    def _respond(self, request: Request, outcome: int | Response) -> None:
        """Handle a request whose turn it is."""
        if type(outcome) is not int:
            self._send(request, outcome)  # type: ignore[arg-type]  # int was excluded
            return
        try:
            result = self._handle(request)
        except Exception as error:
            result = self._failure(request, error)
        if isinstance(result, Pending):
            self._current = request
            self._pending = result
            result.then(self._resolved)
        else:
            self._send(request, result)

    def _resolved(self, response: Response) -> None:
        request = self._current
        if request is None or self.lost:
            return
        self._current = self._pending = None
        self._since = self.context.clock.now
        self._send(request, response)
        if not self._corked:
            if self._waiting or self._incoming is not None:
                self._advance()
            self._flush()

    def _advance(self) -> None:
        """Handle the requests that wait, until one has to wait itself."""
        self._corked = True
        while self._waiting and self._current is None and not self._closing:
            request, outcome = self._waiting.popleft()
            self._respond(request, outcome)
        self._corked = False
        self._turn_came()

    def _turn_came(self) -> None:
        """Overridden: the queue moved on."""

    def _send(self, request: Request, response: Response) -> None:
        """Put the answer into the output; a stream starts a task that does."""
        chain = request.chain
        if chain is not None and chain.filters_responses:
            response = self._filtered(request, response)
        incoming = self._incoming
        keep_alive = request.keep_alive and (incoming is None or incoming.request is not request)
        heads = self.context.heads
        if type(response) is FixedResponse and keep_alive and heads.usual:
            before, after, at_once = self._fixed.get(response) or heads.fixed_parts(response)
            if request.method == b"HEAD":
                after = b"\r\n\r\n"
            elapsed = (monotonic() - request.received) * 1000
            if elapsed >= 1:
                at_once = before + latency_line(int(elapsed))
            data = at_once + request.id + request.response_lines + after
            self._out.append(data)
            self._report(request, response, len(data))
            return
        keep_alive = keep_alive and not response.close and not self.context.draining
        body = response.body
        if isinstance(body, bytes):
            data = heads.head(request, response, len(body), keep_alive)
            if body and request.method != b"HEAD" and response.status not in (204, 304):
                data += body
        elif isinstance(body, ConnectionUpgrade):
            self._switch(request, response, body)
            return
        else:
            self._current = request
            self._task = self.context.loop.create_task(pump(self, request, response, keep_alive))
            return
        self._out.append(data)
        self._report(request, response, len(data))
        if not keep_alive:
            self._closing = True

    def _report(self, request: Request, response: Response, written: int) -> None:
        try:
            self._finished(request, response, written)
        except Exception as error:
            self._log_phase_failed(request, error)
        if request.upgrade is not None:
            self._declined()

    def _declined(self) -> None:
        """Overridden: a handshake was answered."""

    def _switch(self, request: Request, response: Response, upgrade: ConnectionUpgrade) -> None:
        """Overridden: hand the connection over."""

    def _log_phase_failed(self, request: Request, error: Exception) -> None:
        self.context.log.error("log phase failed", request_id=request.id.decode(), exc_info=error)

    def _filtered(self, request: Request, response: Response) -> Response:
        """Run header filters, and body filters when the body is whole."""
        chain = request.chain
        assert chain is not None
        if type(response) is FixedResponse:
            response = response.copy()
        try:
            chain.filter_head(request, response)
            if isinstance(response.body, bytes) and chain.body_filters:
                response.body = chain.filter_body(request, response, response.body, True)
        except Exception as error:
            discard(response)
            return self._failure(request, error)
        return response

    def _failure(self, request: Request, error: Exception) -> Response:
        """Return the answer for an exception: its own status, or 500 and a log line."""
        if isinstance(error, RequestRejected | UpstreamError):
            return error_response(error.status, error.message, request)
        self.context.log.error("request failed", request_id=request.id.decode(), exc_info=error)
        return json_response(500, _INTERNAL_ERROR)

    def streamed(self, request: Request, response: Response, written: int, keep: bool) -> None:
        """A stream has ended properly: go on with the next request, or close."""
        self._task = None
        self._current = None
        self._report(request, response, written)
        if not keep:
            self._closing = True
        if not self._closing:
            self._advance()
        self._flush()

    def broken(self, request: Request, response: Response, written: int) -> None:
        """A stream broke off after its head went out: only a cut tells the client."""
        self._task = None
        self._current = None
        self._report(request, response, written)
        if not self.lost:
            self.transport.abort()

    def _flush(self) -> None:
        out = self._out
        if out:
            self.transport.write(out[0] if len(out) == 1 else b"".join(out))
            out.clear()
        if self._deaf and self._current is None and not self._waiting:
            self._closing = True
        if self._closing and self._task is None:
            self._shut()

    def _shut(self) -> None:
        """Close after the last answer; linger when the client may still be sending."""
        self._waiting.clear()
        if self._lingering or self.lost:
            return
        transport = self.transport
        if (self._deaf or self._incoming is not None) and transport.can_write_eof():
            # Closing with unread input would reset the connection and could destroy the answer
            # on its way (RFC 9112 section 9.6).
            self._lingering = True
            self._since = self.context.clock.now
            transport.write_eof()
            transport.resume_reading()
        else:
            transport.close()

    def pause_writing(self) -> None:
        """Stop reading from a client that does not read its answers."""
        self.write_paused = True
        self._since = self.context.clock.now

    def resume_writing(self) -> None:
        """The client reads again."""
        self.write_paused = False
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    async def drained(self) -> None:
        """Wait until the client has read enough for more to be written."""
        if self.write_paused and not self.lost:
            self._writable = self.context.loop.create_future()
            try:
                await self._writable
            finally:
                self._writable = None

    def _abandon(self) -> None:
        """The client is gone: tell those who work for it."""
        self.lost = True
        self._waiting.clear()
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        if self._task is not None:
            self._task.cancel()
        pending, request = self._pending, self._current
        if pending is not None and request is not None:
            self._pending = self._current = None
            self._report(request, Response(_CLIENT_GONE, ()), 0)
            pending.abandon()
