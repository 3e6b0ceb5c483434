# SPDX-License-Identifier: Apache-2.0
"""The body of the request being received: buffered, streamed or dropped; and refusals."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import monotonic

from gateway.errors import RequestRejected
from gateway.http.answers import message_of, refusal
from gateway.http.application import DISCARD, STREAM
from gateway.http.context import Context
from gateway.http.messages import Request, Response
from gateway.http.replies import Replies
from gateway.http.stream import Channel

_DISCARDED = 1 << 20
"""Most bytes of an unwanted body that are read to keep the connection."""
_UNLIMITED = 1 << 62
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

PIPELINED, STREAM_FULL, UNWRITTEN, HANDSHAKE = 1, 2, 4, 8
"""Why reading is paused; bits."""


class InputEnds(RequestRejected):
    """Raised inside a parser callback to stop it: nothing that follows is wanted."""

    def __init__(self) -> None:
        super().__init__(400, "Bad request")


def _drop(chunk: bytes) -> None:
    """Take a piece of a body that nobody wants."""


class Bodies(Replies):
    """The middle layer of ``HttpProtocol``."""

    __slots__ = (
        "_body_due",
        "_body_size",
        "_channel",
        "_chunked",
        "_chunks",
        "_expects",
        "_limit",
        "_max_body",
        "_outcome",
        "_overhead",
        "_pauses",
        "_take",
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._outcome: int | Response = 0
        """What ``begin`` said about the request being received."""
        self._chunks: list[bytes] | None = None
        self._channel: Channel | None = None
        self._take: Callable[[bytes], None] = _drop
        self._body_due = False
        self._body_size = 0
        self._limit = 0
        self._max_body = context.limits.max_body_size or _UNLIMITED
        self._chunked = False
        self._overhead = 0
        """Bytes received since a chunked body began, framing and all."""
        self._expects = False
        self._pauses = 0

    def on_body(self, chunk: bytes) -> None:
        """Take a piece of a body."""
        self._body_size += len(chunk)
        if self._body_size > self._limit:
            self._over_limit()
        self._take(chunk)

    def _await_body(self, request: Request, outcome: int | Response, length: int) -> None:
        """Prepare for a body of ``length`` bytes, or a chunked one (-1)."""
        self._body_due = True
        self._body_size = self._overhead = 0
        self._chunked = length < 0
        expects, self._expects = self._expects, False
        if type(outcome) is not int or outcome == DISCARD:
            self._take = _drop
            self._limit = _DISCARDED
            if expects or length > _DISCARDED:
                self._answer_early(request)
            return
        if outcome == STREAM:
            self._limit = self._max_body
        else:
            self._limit = min(outcome, self._max_body)
        if length > self._limit:
            raise RequestRejected(413, message_of(413))
        if outcome == STREAM:
            self._open_stream(request, outcome, expects)
            return
        chunks: list[bytes] = []
        self._chunks = chunks
        self._take = chunks.append
        if expects:
            self._continue = True
            self._turn_came()

    def _open_stream(self, request: Request, outcome: int, expects: bool) -> None:
        self._channel = channel = Channel(
            self.context.limits.stream_buffer,
            on_full=partial(self.pause, STREAM_FULL),
            on_drained=partial(self.resume, STREAM_FULL),
            on_first_read=self._send_continue if expects else None,
        )
        self._take = channel.feed
        request.stream = channel
        self._enqueue(request, outcome)

    def _body_complete(self, request: Request) -> bool:
        """The last byte of a body has come; return whether the request is still to be handled."""
        self._body_due = self._chunked = self._continue = False
        if self._channel is not None:
            self._channel.end()
            self._channel = None
            return False
        chunks, self._chunks = self._chunks, None
        if chunks:
            request.body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        return True

    def _enqueue(self, request: Request, outcome: int | Response) -> None:
        """Handle the request, or let it wait behind the one that is being answered."""
        if self._current is None and not self._waiting:
            self._respond(request, outcome)
        else:
            self._waiting.append((request, outcome))
            if len(self._waiting) >= self.context.limits.max_pipelined:
                self.pause(PIPELINED)

    def _turn_came(self) -> None:
        if self._pauses & PIPELINED and len(self._waiting) * 2 < self.context.limits.max_pipelined:
            self.resume(PIPELINED)
        if self._continue and self._current is None and not self._waiting:
            self._send_continue()

    def _send_continue(self) -> None:
        self._continue = False
        if self._reading is None or self._closing or self.lost or self._body_size:
            return
        self._out.append(_CONTINUE)
        if not self._corked:
            self._flush()

    def _over_limit(self) -> None:
        if self._take is _drop and self._reading is not None:
            self._answer_early(self._reading)
        raise RequestRejected(413, message_of(413))

    def _answer_early(self, request: Request) -> None:
        """Answer without having read the body; the connection cannot be used any more."""
        request.keep_alive = False
        self._reading = None
        self._deaf = True
        self._enqueue(request, self._outcome)
        raise InputEnds

    def refuse(self, status: int, message: str | None = None) -> None:
        """Answer ``status`` after the answers that are due before, then close."""
        self._deaf = True
        message = message or message_of(status)
        if self._channel is not None:
            # The handler has the request already: it hears of it where it reads the body.
            if self._reading is not None:
                self._reading.keep_alive = False
            self._channel.fail(RequestRejected(status, message))
            self._channel = self._reading = None
            return
        request = self._reading or Request(self, b"", b"", "1.1", [], monotonic())
        self._reading = self._chunks = None
        self._body_due = False
        request.keep_alive = False
        request.match = request.chain = None
        answer = refusal(status, request, self.context.default_type, message)
        self._enqueue(request, answer)

    def pause(self, reason: int) -> None:
        """Stop reading for a reason."""
        if not self._pauses and not self.lost:
            self.transport.pause_reading()
        self._pauses |= reason

    def resume(self, reason: int) -> None:
        """A reason not to read is gone."""
        if not self._pauses & reason:
            return
        self._pauses &= ~reason
        if not self._pauses and not self.lost:
            self._since = self.context.clock.now
            self.transport.resume_reading()
            self._feed_rest()

    def _feed_rest(self) -> None:
        """Overridden: parse what had been received before reading stopped."""
