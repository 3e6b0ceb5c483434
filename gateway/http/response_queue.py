# SPDX-License-Identifier: Apache-2.0
"""The responding half of a connection: requests in order, responses in the same order.

Requests of one connection are handled one after the other (RFC 9112 section 9.3.2 allows no
parallel unsafe requests); those that wait stand in a queue. Responses made while input is being
parsed are collected and written at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from time import monotonic

from gateway.http.client_connection import ConnectionUpgrade
from gateway.http.context import Context
from gateway.http.flow_control import PIPELINED, FlowControl
from gateway.http.generated_responses import failure_response, refusal
from gateway.http.heads import latency_line
from gateway.http.log_ids import named
from gateway.http.messages import FixedResponse, Pending, Request, Response
from gateway.http.response_lines import become_headers, drop_length, make_way
from gateway.http.response_stream import ResponseStream, discard

_CLIENT_GONE = 499


class ResponseQueue:
    """What happens from a complete request on.

    ``on_advanced`` is called when requests that waited have been handled.
    """

    __slots__ = (
        "_context",
        "_finished",
        "_fixed",
        "_flow",
        "_handle",
        "_heads",
        "_lingering",
        "_on_advanced",
        "_out",
        "_pending",
        "_task",
        "_waiting",
        "closing",
        "corked",
        "current",
        "unread",
    )

    def __init__(
        self, context: Context, flow: FlowControl, on_advanced: Callable[[], None]
    ) -> None:
        self._context = context
        self._flow = flow
        self._on_advanced = on_advanced
        self._handle = context.application.handle
        self._finished = context.application.finished
        self._heads = context.heads
        self._fixed = context.heads.fixed
        self._out: list[bytes] = []
        self._waiting: deque[tuple[Request, int | Response]] = deque()
        self._pending: Pending | None = None
        self._task: asyncio.Task[None] | None = None
        self._lingering = False
        self.current: Request | None = None
        """The request whose response is awaited or being streamed."""
        self.unread: Request | None = None
        """The request whose body is being received: a response to it now is the last."""
        self.corked = False
        """Responses are collected until ``uncork``."""
        self.closing = False
        """The last response is out, or on its way; nothing else will be sent."""

    @property
    def busy(self) -> bool:
        """A request is being handled, or waits for that."""
        return self.current is not None or bool(self._waiting)

    def add(self, request: Request, outcome: int | Response) -> None:
        """Handle the request, or let it wait behind the one that is being handled."""
        if self.current is None and not self._waiting:
            if type(outcome) is int:
                self._run(request)
            else:
                self._send(request, outcome)  # type: ignore[arg-type]  # int was excluded
            return
        self._waiting.append((request, outcome))
        if self._holds(1):
            self._flow.pause(PIPELINED)

    def refuse(self, request: Request, status: int, message: str | None = None) -> None:
        """Send ``status`` after the responses that are due before, then close."""
        self._flow.close_input()
        request.keep_alive = False
        request.match = request.chain = None
        self.add(request, refusal(status, request, self._context.default_type, message))

    def send_interim(self, data: bytes) -> None:
        """Send what is no response yet (100 Continue)."""
        self._out.append(data)
        if not self.corked:
            self.flush()

    def uncork(self) -> None:
        """Handle what waits, and write all responses that were collected."""
        self.corked = False
        if self._waiting and self.current is None:
            self._advance()
        flow, out = self._flow, self._out
        if self.closing or (out and flow.input_closed):
            self.flush()
        elif out:
            # What ``flush`` does then, without the call.
            flow.transport.write(b"".join(out))
            out.clear()

    def flush(self) -> None:
        """Write what was collected; close when nothing more will be sent."""
        out = self._out
        if out:
            self._flow.transport.write(b"".join(out))
            out.clear()
        if self._flow.input_closed and self.current is None and not self._waiting:
            self.closing = True
        if self.closing and self._task is None:
            self._shut()

    def connection_lost(self) -> None:
        """Give up what is under way: the client is gone."""
        self._waiting.clear()
        # It refers to what refers to this queue.
        self._on_advanced = _nothing
        if self._task is not None:
            self._task.cancel()
        pending, request = self._pending, self.current
        if pending is not None and request is not None:
            self._pending = self.current = None
            self._report(request, Response(_CLIENT_GONE, ()), 0)
            pending.abandon()

    def _holds(self, share: float) -> bool:
        """Tell whether this share of the requests or bodies that may wait does."""
        limits = self._context.limits
        size = sum([len(request.body) for request, _ in self._waiting])
        return (
            len(self._waiting) >= share * limits.max_pipelined
            or size > share * limits.stream_buffer
        )

    def _run(self, request: Request) -> None:
        """Have a request handled whose turn it is."""
        chain = request.chain
        try:
            result = self._handle(request) if chain is None else chain.run(request)
        except Exception as error:
            result = failure_response(error, request, self._context.log, "request failed")
        if isinstance(result, Pending):
            self.current = request
            self._pending = result
            result.then(self._resolved)
        else:
            self._send(request, result)

    def _resolved(self, response: Response) -> None:
        request = self.current
        if request is None or self._flow.lost:
            return
        self.current = self._pending = None
        self._flow.since = self._context.clock.now
        self._send(request, response)
        if self.corked:
            return
        if self._waiting or self.unread is not None:
            self._advance()
        out = self._out
        if out and not (self.closing or self._flow.input_closed):
            # What ``flush`` does then, without the call.
            self._flow.transport.write(b"".join(out))
            out.clear()
        else:
            self.flush()

    def _advance(self) -> None:
        """Handle the requests that wait, until one has to wait itself."""
        self.corked = True
        while self._waiting and self.current is None and not self.closing:
            request, outcome = self._waiting.popleft()
            if type(outcome) is int:
                self._run(request)
            else:
                self._send(request, outcome)  # type: ignore[arg-type]  # int was excluded
        self.corked = False
        if not self._holds(0.5):
            self._flow.resume(PIPELINED)
        self._on_advanced()

    def _send(self, request: Request, response: Response) -> None:
        """Put the response into the output; a stream starts a task that does."""
        chain = request.chain
        if chain is not None and chain.filters_responses:
            response = self._filtered(request, response)
        elif request.response_lines and not response.generated:
            make_way(request, response)
        keep_alive = request.keep_alive and self.unread is not request
        heads = self._heads
        if type(response) is FixedResponse and keep_alive and heads.usual:
            parts = self._fixed.get(response) or heads.fixed_parts(response)
            after = b"\r\n\r\n" if request.method == b"HEAD" else parts.after
            request.ended = ended = monotonic()
            elapsed = (ended - request.received) * 1000.0
            before = parts.at_once if elapsed < 1.0 else parts.before + latency_line(int(elapsed))
            data = b"".join((before, request.id, request.response_lines, after))
            self._out.append(data)
            finished = self._finished
            try:
                finished(request, response, len(data))
            except Exception as error:
                self._not_logged(request, error)
            return
        keep_alive = keep_alive and not response.close and not self._context.parting
        body = response.body
        if isinstance(body, bytes):
            data = heads.head(request, response, len(body), keep_alive)
            if body and request.method != b"HEAD" and response.status not in (204, 304):
                data += body
        elif isinstance(body, ConnectionUpgrade):
            self._switch(request, response, body)
            return
        else:
            self.current = request
            self._task = self._context.loop.create_task(self._stream(request, response, keep_alive))
            return
        self._out.append(data)
        self._report(request, response, len(data))
        if not keep_alive:
            self.closing = True

    def _filtered(self, request: Request, response: Response) -> Response:
        """Run header filters, and body filters when the body is whole."""
        chain = request.chain
        assert chain is not None
        if type(response) is FixedResponse:
            response = response.copy()
        lines = request.response_lines
        if lines:
            become_headers(request, response)
        try:
            chain.filter_head(request, response)
            if isinstance(response.body, bytes) and chain.body_filters:
                if request.method == b"HEAD" and not response.generated:
                    # As in nginx no body filter runs: what it would make of a GET's body, and how
                    # long that would be, is not known (RFC 9110 section 8.6).
                    drop_length(response)
                else:
                    response.body = chain.filter_body(request, response, response.body, True)
        except Exception as error:
            discard(response)
            request.response_lines = lines
            return failure_response(error, request, self._context.log, "request failed")
        return response

    async def _stream(self, request: Request, response: Response, keep_alive: bool) -> None:
        """Write a response whose body is still coming, then go on with the next request."""
        stream = ResponseStream(self._flow, self._heads, request, response, keep_alive)
        try:
            await stream.write()
        except asyncio.CancelledError:
            self._broken(request, response, stream.written)
            raise
        except Exception as error:
            self._context.log.warning("response body broke off", **named(request), error=str(error))
            self._broken(request, response, stream.written)
        else:
            self._streamed(request, response, stream)
        finally:
            await stream.close()

    def _streamed(self, request: Request, response: Response, stream: ResponseStream) -> None:
        self.current = self._task = None
        self._report(request, response, stream.written)
        if not stream.keep_alive:
            self.closing = True
        if not self.closing:
            self._advance()
        self.flush()

    def _broken(self, request: Request, response: Response, written: int) -> None:
        """React to a stream that broke off after its head: only a cut tells the client."""
        self.current = self._task = None
        self._report(request, response, written)
        if not self._flow.lost:
            self._flow.transport.abort()

    def _switch(self, request: Request, response: Response, upgrade: ConnectionUpgrade) -> None:
        """Send 101 and hand the connection over.

        The request stays the current one: to timeouts and draining its response is under way.
        """
        flow = self._flow
        # Whatever a header filter made of it: what follows is another protocol.
        response.status = 101
        head = self._heads.head(request, response, 0, keep_alive=True)
        self._out.append(head)
        flow.transport.write(b"".join(self._out))
        self._out.clear()
        self.current = request
        paused, flow.write_paused = flow.write_paused, False
        upgrade.start(
            flow.transport,
            flow.take_input(),
            paused,
            lambda sent: self._report(request, response, len(head) + sent),
        )

    def _report(self, request: Request, response: Response, written: int) -> None:
        """Tell the application that a response is on its way."""
        request.ended = monotonic()
        try:
            self._finished(request, response, written)
        except Exception as error:
            self._not_logged(request, error)
        if request.upgrade is not None:
            # A handshake got another response than it asked for: what came behind it is not HTTP.
            # It may be; but the client, or a proxy on the way, may as well have taken the
            # connection for a tunnel already, and another party's bytes would become requests.
            self._flow.close_input()

    def _not_logged(self, request: Request, error: Exception) -> None:
        self._context.log.error("log phase failed", **named(request), exc_info=error)

    def _shut(self) -> None:
        """Close after the last response; linger when the client may still be sending."""
        self._waiting.clear()
        flow = self._flow
        if self._lingering or flow.lost:
            return
        transport = flow.transport
        if (flow.input_closed or self.unread is not None) and transport.can_write_eof():
            # Closing with unread input would reset the connection and could destroy the response
            # on its way (RFC 9112 section 9.6).
            self._lingering = True
            flow.restart_clock()
            transport.write_eof()
            transport.resume_reading()
        else:
            transport.close()


def _nothing() -> None:
    """Nothing waits for the queue of a connection that is lost."""
