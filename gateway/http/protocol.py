# SPDX-License-Identifier: Apache-2.0
"""One HTTP/1.1 connection: from bytes to messages, one after the other.

Where a message begins and ends is decided here and in ``framing``, and nowhere else. What is read
of a message lives in its ``Request``, in an ``Incoming`` while its body comes, or in the call that
reads its head; a connection has no other memory of messages.

The path of a small request has no task, no future, no timer and one write: everything here that
is not needed by every request stands behind a cheap test.
"""

from __future__ import annotations

import re
from time import monotonic

from gateway.errors import RequestRejected
from gateway.http.bodies import OTHERS_TURN
from gateway.http.checks import check_head, check_sizes
from gateway.http.context import Context
from gateway.http.head_parser import HeadParser, may_begin
from gateway.http.lifetime import Lifetime
from gateway.http.messages import Request, Response

_HEAD_END = b"\r\n\r\n"
_CR, _LF = 13, 10
_REST_OF_LINE = 64
"""More than method and version take of a request line."""
_EMPTY_LINES = re.compile(rb"[\r\n]*")
"""Before a request line they are skipped (RFC 9112 section 2.2)."""


class HttpProtocol(Lifetime):
    """Made by the server once a connection; also what ``Request.connection`` is."""

    __slots__ = ("_begin", "_parser", "_small", "_turn")

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        limits = context.limits
        self._small = min(limits.max_request_line, limits.max_header_size, 4 * limits.max_headers)
        """A head of so many bytes cannot exceed a limit."""
        self._turn = limits.turn
        self._begin = context.application.begin
        self._parser = HeadParser()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop everything that works for this client."""
        super().connection_lost(exc)
        # It refers to llhttp's parser, which refers back.
        self._parser.forget()

    def data_received(self, data: bytes) -> None:
        """Read, handle what became complete, and write all answers at once."""
        if self._deaf or self._closing:
            return
        if self._input:
            data, self._input = self._input + data, b""
        elif data[0] > _CR or self._incoming is not None:
            self._since = self.context.clock.now
        self._corked = True
        self._read(data)
        self._corked = False
        if self._waiting and self._current is None:
            self._advance()
        if self._out or self._closing:
            self._flush()

    def _read(self, data: bytes) -> None:
        """Take message after message, as far as they have come and others are not kept waiting."""
        at, size, steps = 0, len(data), 0
        while at < size and not self._deaf and not self._closing:
            steps += 1
            if steps > self._turn and not self._pauses:
                self.pause(OTHERS_TURN)
                self.context.loop.call_soon(self.resume, OTHERS_TURN)
            if self._pauses:
                self._input = data[at:]
                return
            if self._incoming is not None:
                at = self._take_body(self._incoming, data, at)
                continue
            if data[at] == _CR or data[at] == _LF:
                at = _EMPTY_LINES.match(data, at).end()  # type: ignore[union-attr]  # matches nothing
                if at < size:
                    # A connection on which nothing but empty lines comes is idle all the same.
                    self._since = self.context.clock.now
                continue
            end = data.find(_HEAD_END, at) + 4
            if end < 4:
                if at:
                    self._since = self.context.clock.now
                self._await_head(data[at:])
                return
            at = self._take_message(data, at, end)

    def _take_message(self, data: bytes, at: int, end: int) -> int:
        """Take the message whose head is between ``at`` and ``end``; return where the next begins.

        That is behind its body if all of it is here, else behind its head.
        """
        head = data if not at and end == len(data) else data[at:end]
        request: Request | None = None
        try:
            method, target, version, headers = self._parser.read(head)
            request = Request(self, method, target, version, headers, monotonic())
            if len(head) > self._small:
                check_sizes(target, headers, self.context.limits)
            length = check_head(request, self.trusted)
        except RequestRejected as error:
            self.refuse(error.status, error.message, request)
            return end
        outcome = self._route(request)
        if length:
            if length < 0 or length > len(data) - end or request.expects:
                self._parser.forget()
                self._await_body(request, outcome, length)
                return end
            body = data[end : end + length]
            end += length
            self._parser.complete(body)
            if not self._give_body(request, outcome, body):
                return end
        if not request.keep_alive:
            if request.upgrade is not None:
                self._await_answer(request, outcome, data[end:])
                return len(data)
            self._deaf = True
        if self._current is None and not self._waiting:
            self._respond(request, outcome)
        else:
            self._enqueue(request, outcome)
        return end

    def _route(self, request: Request) -> int | Response:
        """Ask the application what to do with a request."""
        if self.trusted:
            self.context.trusted.apply(request)
        try:
            return self._begin(request)
        except Exception as error:
            return self._failure(request, error)

    def _await_head(self, begun: bytes) -> None:
        """Keep the beginning of a head, unless it is too large already or cannot become one."""
        limits = self.context.limits
        line = begun.find(b"\r\n")
        if line < 0 and len(begun) > limits.max_request_line + _REST_OF_LINE:
            self.refuse(414)
        elif line >= 0 and len(begun) - line - 2 > limits.max_header_size:
            self.refuse(431)
        elif not may_begin(begun):
            self.refuse(400)
        else:
            self._input = begun

    def _feed_rest(self) -> None:
        if self._corked:
            self.context.loop.call_soon(self._feed_rest)
        elif self._input and not self._pauses and not self.lost:
            data, self._input = self._input, b""
            self.data_received(data)
