# SPDX-License-Identifier: Apache-2.0
"""One HTTP/1.1 connection: from bytes to messages, one after the other.

Where a message begins and ends is decided here and in ``framing``, and nowhere else. What is read
of a message lives in its ``Request``, in an ``Incoming`` while its body comes, or in the call that
reads its head; a connection has no other memory of messages.

The path of a small request has no task, no future, no timer and one write: everything here that
is not needed by every request stands behind a cheap test.
"""

from __future__ import annotations

import asyncio
import re
from time import monotonic
from typing import cast

from gateway.errors import RequestRejected
from gateway.http.body_reader import UNLIMITED, BodyReader
from gateway.http.checks import check_head, check_sizes
from gateway.http.client_certificates import client_chain
from gateway.http.context import Context
from gateway.http.flow_control import HANDSHAKE, OTHERS_TURN, FlowControl
from gateway.http.generated_responses import failure_response, message_of
from gateway.http.head_parser import HeadParser, may_begin
from gateway.http.messages import Request
from gateway.http.proxy_protocol import Address
from gateway.http.response_queue import ResponseQueue
from gateway.native import UsualHead, parse_head

_HEAD_END = b"\r\n\r\n"
_CR, _LF = 13, 10
_REST_OF_LINE = 64
"""More than method and version take of a request line."""
_EMPTY_LINES = re.compile(rb"[\r\n]*")
"""Before a request line they are skipped (RFC 9112 section 2.2)."""

_LINGERING = 16
"""Connections beyond the limit, and a quarter of it, that get the time to read why."""


class HttpProtocol(asyncio.Protocol):
    """Made by the server once a connection; also what ``Request.connection`` is.

    It finds the messages; ``BodyReader`` takes their bodies, ``ResponseQueue`` has requests handled
    and sends the responses, ``FlowControl`` reads and writes at the pace of both ends.
    """

    __slots__ = (
        "_begin",
        "_body",
        "_flow",
        "_max_body",
        "_parser",
        "_queue",
        "_small",
        "_turn",
        "context",
        "has_asked",
        "here",
        "named",
        "peer",
        "scheme",
        "server_port",
        "sni",
        "transport",
        "trusted",
    )

    def __init__(self, context: Context, named: Address | None = None) -> None:
        """``named`` is the client by the connection's PROXY protocol header."""
        limits = context.limits
        self.context = context
        self._begin = context.application.begin
        self._small = min(limits.max_request_line, limits.max_header_size, 4 * limits.max_headers)
        """A head of so many bytes cannot exceed a limit."""
        self._turn = limits.turn
        self._max_body = limits.max_body_size or UNLIMITED
        self._parser = HeadParser()
        self._flow = FlowControl(context, self._on_resumed)
        self._queue = ResponseQueue(context, self._flow, self._on_queue_advanced)
        self._body = BodyReader(context, self._flow, self._queue)
        self.transport: asyncio.Transport
        self.named = named
        self.peer = ("", 0)
        self.scheme = "http"
        self.here = ""
        self.has_asked = False
        self.server_port = 0
        self.sni: str | None = None
        self.trusted = False

    @property
    def tls(self) -> tuple[str, str] | None:
        """Version and cipher, by OpenSSL's names; None without TLS."""
        tls = self.transport.get_extra_info("ssl_object")
        cipher = None if tls is None else tls.cipher()
        return None if cipher is None else (tls.version(), cipher[0])

    @property
    def client_certificate(self) -> bytes | None:
        """The certificate that the client showed, unchecked (DER)."""
        tls = self.transport.get_extra_info("ssl_object")
        return None if tls is None else cast("bytes | None", tls.getpeercert(True))

    @property
    def client_chain(self) -> list[bytes]:
        """The client's certificate and those it sent along, unchecked (DER)."""
        return client_chain(self.transport.get_extra_info("ssl_object"))

    # --- messages ----------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        """Read, handle what became complete, and write all responses at once."""
        flow, queue, body = self._flow, self._queue, self._body
        if flow.input_closed or queue.closing:
            return
        if flow.input:
            data, flow.input = flow.input + data, b""
        elif data[0] > _CR or body.incoming is not None:
            flow.since = self.context.clock.now
        queue.corked = True
        at = 0
        if body.incoming is None and not flow.pauses:
            # Most often what came is one message, and a usual one.
            usual = parse_head(data, 0)
            if usual is not None:
                at = self._take_message(data, 0, usual[-1], usual)
        if at < len(data):
            self._take_rest(data, at)
        queue.uncork()

    def _take_rest(self, data: bytes, at: int) -> None:
        """Take message after message, while others are not kept waiting."""
        flow, queue, body = self._flow, self._queue, self._body
        size, steps = len(data), 1 if at else 0
        while at < size and not flow.input_closed and not queue.closing:
            steps += 1
            if steps > self._turn and not flow.pauses:
                flow.pause(OTHERS_TURN)
                self.context.loop.call_soon(flow.resume, OTHERS_TURN)
            if flow.pauses:
                flow.input = data[at:]
                break
            if body.incoming is not None:
                at = body.take(body.incoming, data, at)
                continue
            usual = parse_head(data, at)
            if usual is not None:
                at = self._take_message(data, at, usual[-1], usual)
                continue
            if data[at] == _CR or data[at] == _LF:
                at = _EMPTY_LINES.match(data, at).end()  # type: ignore[union-attr]  # matches nothing
                if at < size:
                    # A connection on which nothing but empty lines comes is idle all the same.
                    flow.restart_clock()
                continue
            end = data.find(_HEAD_END, at) + 4
            if end < 4:
                if at:
                    flow.restart_clock()
                self._await_head(data[at:])
                break
            at = self._take_message(data, at, end, None)

    def _take_message(self, data: bytes, at: int, end: int, usual: UsualHead | None) -> int:
        """Take the message whose head is between ``at`` and ``end``; return where the next begins.

        That is behind its body if all of it is here, else behind its head. ``usual`` is what the
        head says, if it is a usual one.
        """
        if usual is not None:
            method, target, path, query, headers, host, length, _ = usual
            request = Request(self, method, target, "1.1", headers, monotonic(), path, query)
            request.host = host
            request.unclaimed = headers
            if end - at > self._small and self._is_too_large(request):
                return end
        else:
            examined = self._examine(data if not at and end == len(data) else data[at:end])
            if examined is None:
                return end
            request, length = examined
        request.size = end - at
        if self.trusted:
            self.context.trusted.apply(request)
        begin = self._begin
        try:
            outcome = begin(request)
        except Exception as error:
            outcome = failure_response(error, request, self.context.log, "request failed")
        if length:
            if length < 0 or length > len(data) - end or request.expects:
                self._parser.forget()
                self._body.begin(request, outcome, length)
                return end
            body = data[end : end + length]
            request.size += length
            end += length
            if usual is None:
                self._parser.complete(body)
            if type(outcome) is int and outcome >= length <= self._max_body:
                request.body = body
            elif not self._body.take_whole(request, outcome, body):
                return end
        if not request.keep_alive:
            if request.upgrade is not None:
                # What comes behind a handshake is kept until its response says what it is.
                self._flow.input = data[end:]
                self._flow.pause(HANDSHAKE)
                self._queue.add(request, outcome)
                return len(data)
            self._flow.close_input()
        self._queue.add(request, outcome)
        return end

    def _is_too_large(self, request: Request) -> bool:
        """Refuse a request whose head is larger than the limits allow."""
        try:
            check_sizes(request.target, request.headers, self.context.limits)
        except RequestRejected as error:
            self._refuse(error.status, error.message, request)
            return True
        return False

    def _examine(self, head: bytes) -> tuple[Request, int] | None:
        """Read a head that may be anything; return the length of its body too, None: refused."""
        request: Request | None = None
        try:
            request = Request(self, *self._parser.read(head), monotonic())
            if len(head) > self._small and self._is_too_large(request):
                return None
            return request, check_head(request, self.trusted)
        except RequestRejected as error:
            self._refuse(error.status, error.message, request)
            return None

    def _await_head(self, begun: bytes) -> None:
        """Keep the beginning of a head, unless it is too large already or cannot become one."""
        limits = self.context.limits
        line = begun.find(b"\r\n")
        if line < 0 and len(begun) > limits.max_request_line + _REST_OF_LINE:
            self._refuse(414)
        elif line >= 0 and len(begun) - line - 2 > limits.max_header_size:
            self._refuse(431)
        elif not may_begin(begun):
            self._refuse(400)
        else:
            self._flow.input = begun

    def _refuse(
        self, status: int, message: str | None = None, request: Request | None = None
    ) -> None:
        """Refuse a request as far as it was understood, and the connection with it."""
        if request is None:
            request = Request(self, b"", b"", "1.1", [], monotonic())
        self._queue.refuse(request, status, message)

    def _on_queue_advanced(self) -> None:
        self._body.on_queue_advanced()

    def _on_resumed(self) -> None:
        """Read what was received before reading stopped."""
        self._body.on_resumed()
        self._feed_rest()

    def _feed_rest(self) -> None:
        flow = self._flow
        if self._queue.corked:
            self.context.loop.call_soon(self._feed_rest)
        elif flow.input and not flow.pauses and not flow.lost:
            self.data_received(flow.take_input())

    # --- the connection's beginning and end --------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or refuse it when there are too many."""
        self.transport = self._flow.transport = cast(asyncio.Transport, transport)
        context = self.context
        self._flow.restart_clock()
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple):
            self.peer = context.trusted.peer((peer[0], peer[1]), self.named)
        here = transport.get_extra_info("sockname")
        if isinstance(here, tuple):
            self.here, self.server_port = here[0], here[1]
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            self.scheme = "https"
            self.sni = getattr(tls, "sni", None)
        self.trusted = context.trusted.trusts(self.peer[0])
        context.accepted += 1
        context.connections.add(self)
        if len(context.connections) > context.limits.max_connections:
            context.refused += 1
            if not (context.limits.displace and self._displace()):
                self._refuse_connection()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop everything that works for this client."""
        self.context.connections.discard(self)
        self._flow.connection_lost()
        self._queue.connection_lost()
        self._body.connection_lost()
        # It refers to llhttp's parser, which refers back.
        self._parser.forget()

    def eof_received(self) -> bool:
        """The client sends no more; keep the socket while it still awaits a response.

        A request that it broke off is dropped, and takes none of those before it along.
        """
        if self._queue.closing or self.scheme == "https" or self._queue.current is None:
            return False
        if not self._body.drop():
            return False
        self._flow.close_input()
        return True

    def pause_writing(self) -> None:
        """Stop reading from a client that does not read its responses."""
        self._flow.pause_writing()

    def resume_writing(self) -> None:
        """Go on writing to the client."""
        self._flow.resume_writing()

    def drain(self) -> None:
        """Close now when idle; otherwise the next response says ``Connection: close``."""
        queue = self._queue
        busy = self._body.incoming is not None or self._flow.input or queue.busy
        if not queue.closing and not busy:
            self.transport.close()

    # --- what is too slow, or too many -------------------------------------------------------

    @property
    def since(self) -> float:
        """When the client last did what it is waited for, by the context's clock."""
        return self._flow.since

    @property
    def waits_for_client(self) -> bool:
        """Nothing is under way but what the client is to send."""
        return not self._queue.busy

    def _displace(self) -> bool:
        """End the connection that has waited longest for its client; False when none waits."""
        idle = [
            other
            for other in self.context.connections
            if other is not self and other.waits_for_client and not other.transport.is_closing()
        ]
        if not idle:
            return False
        # A client that has asked something before is spared for those that have not.
        min(idle, key=lambda other: (other.has_asked, other.since)).transport.abort()
        return True

    def _refuse_connection(self) -> None:
        """Send 503; but a flood of clients that do not read it must not use up the descriptors."""
        most = self.context.limits.max_connections
        if len(self.context.connections) > most + most // 4 + _LINGERING:
            self.transport.abort()
        else:
            self._refuse(503, "Too many connections")
            self._queue.flush()

    def check(self, now: float) -> None:
        """Look whether this connection has taken too long; called about once a second."""
        flow, queue = self._flow, self._queue
        limits = self.context.limits
        age = now - flow.since
        incoming = self._body.incoming
        if flow.write_paused or (queue.closing and self.transport.get_write_buffer_size()):
            # What else is timed begins when the client has everything.
            flow.restart_clock()
            if flow.stuck(now, limits.write_timeout, limits.body_rate):
                self.transport.abort()
        elif queue.closing:
            if age > limits.linger:
                self.transport.abort()
        elif incoming is not None:
            if self._body.too_slow(incoming, now, age):
                self._body.refuse(incoming, 408, message_of(408))
                queue.flush()
        elif queue.busy:
            return
        elif flow.input:
            if age > limits.header_timeout:
                self._refuse(408)
                queue.flush()
        elif age > limits.idle_timeout or self.context.draining:
            self.transport.close()
