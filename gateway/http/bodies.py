# SPDX-License-Identifier: Apache-2.0
"""The body of the request being received: buffered, streamed or dropped; and refusals."""

from __future__ import annotations

from functools import partial
from time import monotonic

from gateway.errors import ProtocolError, RequestRejected
from gateway.http.application import DISCARD, STREAM
from gateway.http.context import Context
from gateway.http.generated_responses import message_of, refusal
from gateway.http.incoming import Incoming, drop
from gateway.http.messages import Request, Response
from gateway.http.replies import Replies
from gateway.http.stream import Channel

_DISCARDED = 1 << 20
"""Most bytes of an unwanted body that are read to keep the connection."""
_UNLIMITED = 1 << 62
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

PIPELINED, STREAM_FULL, UNWRITTEN, HANDSHAKE, OTHERS_TURN = 1, 2, 4, 8, 16
"""Why reading is paused; bits."""


class Bodies(Replies):
    """The middle layer of ``HttpProtocol``."""

    __slots__ = ("_max_body", "_pauses")

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._max_body = context.limits.max_body_size or _UNLIMITED
        self._pauses = 0

    def _give_body(self, request: Request, outcome: int | Response, body: bytes) -> bool:
        """Hand over a body that came whole with its head; False: it was refused as too large."""
        if type(outcome) is not int or outcome == DISCARD:
            return True
        if len(body) > (self._max_body if outcome == STREAM else min(outcome, self._max_body)):
            self.refuse(413, message_of(413), request)
            return False
        if outcome == STREAM:
            request.stream = _whole(body)
        else:
            request.body = body
        return True

    def _await_body(self, request: Request, outcome: int | Response, length: int) -> None:
        """Prepare for a body of ``length`` bytes, or a chunked one (-1)."""
        kept = type(outcome) is int and outcome != DISCARD
        limit = _DISCARDED
        if kept:
            limit = self._max_body if outcome == STREAM else min(outcome, self._max_body)  # type: ignore[type-var, assignment]  # an int, as ``kept`` says
        self._since = now = self.context.clock.now
        incoming = Incoming(request, outcome, length, limit, now)
        if not kept and (request.expects or length > limit):
            self._answer_early(incoming)
            return
        if length > limit:
            self.refuse(413, message_of(413), request)
            return
        self._incoming = incoming
        incoming.awaits_continue = request.expects
        if outcome == STREAM:
            self._open_stream(incoming)
        elif kept:
            incoming.pieces = []
            incoming.take = incoming.pieces.append
            if request.expects:
                self._turn_came()

    def _open_stream(self, incoming: Incoming) -> None:
        incoming.channel = channel = Channel(
            self.context.limits.stream_buffer,
            on_full=partial(self.pause, STREAM_FULL),
            on_drained=partial(self.resume, STREAM_FULL),
            on_first_read=partial(self._send_continue, incoming),
        )
        incoming.take = channel.feed
        incoming.request.stream = channel
        self._enqueue(incoming.request, incoming.outcome)

    def _take_body(self, incoming: Incoming, data: bytes, at: int) -> int:
        """Take what is there of a body from ``at`` on; return where the bytes behind it begin."""
        try:
            piece, at, complete = incoming.framing.take(data, at)
        except ProtocolError as error:
            self.refuse(error.status, error.message)
            return len(data)
        if piece:
            incoming.awaits_continue = False
            incoming.size += len(piece)
            if incoming.size > incoming.limit:
                self._over_limit(incoming)
                return len(data)
            incoming.take(piece)
        if complete and self._incoming is incoming:
            self._body_complete(incoming)
        return at

    def _body_complete(self, incoming: Incoming) -> None:
        """The last byte of a body has come: handle the request, if that was not begun before."""
        self._incoming = None
        request = incoming.request
        if not request.keep_alive:
            self._deaf = True
        if incoming.channel is not None:
            incoming.channel.end()
            return
        pieces = incoming.pieces
        if pieces:
            request.body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._enqueue(request, incoming.outcome)

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
        incoming = self._incoming
        if (
            incoming is not None
            and incoming.pieces is not None
            and self._current is None
            and not self._waiting
        ):
            self._send_continue(incoming)

    def _send_continue(self, incoming: Incoming) -> None:
        if self._incoming is not incoming or not incoming.awaits_continue:
            return
        incoming.awaits_continue = False
        if self._closing or self.lost:
            return
        self._since = now = self.context.clock.now
        incoming.watch(now)
        self._out.append(_CONTINUE)
        if not self._corked:
            self._flush()

    def _over_limit(self, incoming: Incoming) -> None:
        if incoming.take is drop:
            self._answer_early(incoming)
        else:
            self.refuse(413, message_of(413))

    def _answer_early(self, incoming: Incoming) -> None:
        """Answer without having read the body; the connection cannot be used any more."""
        incoming.request.keep_alive = False
        self._incoming = None
        self._deaf = True
        self._enqueue(incoming.request, incoming.outcome)

    def refuse(
        self, status: int, message: str | None = None, request: Request | None = None
    ) -> None:
        """Answer ``status`` after the answers that are due before, then close.

        ``request`` is the one refused, as far as it was understood; by default the one whose body
        is being received.
        """
        self._deaf = True
        message = message or message_of(status)
        incoming, self._incoming = self._incoming, None
        if incoming is not None:
            request = incoming.request
            if incoming.channel is not None:
                # The handler has the request already: it hears of it where it reads the body.
                request.keep_alive = False
                incoming.channel.fail(RequestRejected(status, message))
                return
        if request is None:
            request = Request(self, b"", b"", "1.1", [], monotonic())
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
            self._since = now = self.context.clock.now
            if self._incoming is not None:
                self._incoming.watch(now)
            self.transport.resume_reading()
            self._feed_rest()

    def _feed_rest(self) -> None:
        """Overridden: parse what had been received before reading stopped."""


def _whole(body: bytes) -> Channel:
    """Return a stream over a body that is there already."""
    channel = Channel(len(body), _nothing, _nothing)
    channel.feed(body)
    channel.end()
    return channel


def _nothing() -> None:
    """A body that is there already needs no back-pressure."""
