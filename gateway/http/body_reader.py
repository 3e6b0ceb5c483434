# SPDX-License-Identifier: Apache-2.0
"""The body of the request being received: buffered, streamed or dropped."""

from __future__ import annotations

from functools import partial

from gateway.errors import ProtocolError, RequestRejected
from gateway.http.application import DISCARD, STREAM
from gateway.http.context import Context
from gateway.http.flow_control import STREAM_FULL, FlowControl
from gateway.http.generated_responses import message_of
from gateway.http.incoming import Incoming, drop
from gateway.http.messages import Request, Response
from gateway.http.response_queue import ResponseQueue
from gateway.http.stream import Channel

_DISCARDED = 1 << 20
"""Most bytes of an unwanted body that are read to keep the connection."""
UNLIMITED = 1 << 62
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_CLIENT_CLOSED = "the client closed the connection before its request was complete"


class BodyReader:
    """Takes the bodies of one connection, one at a time, and puts their requests into the queue."""

    __slots__ = ("_context", "_flow", "_max_body", "_queue", "incoming")

    def __init__(self, context: Context, flow: FlowControl, queue: ResponseQueue) -> None:
        self._context = context
        self._flow = flow
        self._queue = queue
        self._max_body = context.limits.max_body_size or UNLIMITED
        self.incoming: Incoming | None = None
        """The request whose body is being received."""

    def take_whole(self, request: Request, outcome: int | Response, body: bytes) -> bool:
        """Hand over a body that came whole with its head; False: it was refused as too large."""
        if type(outcome) is not int or outcome == DISCARD:
            return True
        if len(body) > self._limit_of(outcome):
            self._queue.refuse(request, 413)
            return False
        if outcome == STREAM:
            request.stream = _whole(body)
        else:
            request.body = body
        return True

    def begin(self, request: Request, outcome: int | Response, length: int) -> None:
        """Prepare for a body of ``length`` bytes, or a chunked one (-1)."""
        if type(outcome) is not int or outcome == DISCARD:
            kept, limit = False, _DISCARDED
        else:
            kept, limit = True, self._limit_of(outcome)
        self._flow.restart_clock()
        incoming = Incoming(request, outcome, length, limit, self._flow.since)
        if not kept and (request.expects or length > limit):
            self._respond_unread(incoming)
            return
        if length > limit:
            self._queue.refuse(request, 413)
            return
        self.incoming = incoming
        self._queue.unread = request
        incoming.awaits_continue = request.expects
        if outcome == STREAM:
            self._open_stream(incoming)
        elif kept:
            incoming.pieces = []
            incoming.take = incoming.pieces.append
            if request.expects:
                self.on_queue_advanced()

    def take(self, incoming: Incoming, data: bytes, at: int) -> int:
        """Take what is there of the body from ``at`` on; return where the bytes behind it begin."""
        try:
            piece, at, complete = incoming.framing.take(data, at)
        except ProtocolError as error:
            self.refuse(incoming, error.status, error.message)
            return len(data)
        if piece:
            incoming.awaits_continue = False
            incoming.size += len(piece)
            incoming.request.size += len(piece)
            if incoming.size > incoming.limit:
                if incoming.take is drop:
                    self._respond_unread(incoming)
                else:
                    self.refuse(incoming, 413, message_of(413))
                return len(data)
            incoming.take(piece)
        if complete and self.incoming is incoming:
            self._complete(incoming)
        return at

    def refuse(self, incoming: Incoming, status: int, message: str) -> None:
        """Send ``status`` after the responses that are due before, then close."""
        self._forget()
        if incoming.channel is None:
            self._queue.refuse(incoming.request, status, message)
        else:
            # The handler has the request already: it hears of it where it reads the body.
            self._flow.close_input()
            incoming.request.keep_alive = False
            incoming.channel.fail(RequestRejected(status, message))

    def too_slow(self, incoming: Incoming, now: float, age: float) -> bool:
        """Tell whether a body takes too long; not while the client waits for the gateway."""
        limits = self._context.limits
        if self._flow.pauses or incoming.awaits_continue:
            incoming.watch(now)
            return False
        return age > limits.body_timeout or incoming.starves(
            now, limits.body_rate, limits.body_rate_period
        )

    def on_queue_advanced(self) -> None:
        """Ask for a body that is to be kept, once nothing is before its request."""
        incoming = self.incoming
        if incoming is not None and incoming.pieces is not None and not self._queue.busy:
            self._send_continue(incoming)

    def on_resumed(self) -> None:
        """Do not count the time in which nothing was read."""
        if self.incoming is not None:
            self.incoming.watch(self._flow.since)

    def drop(self) -> bool:
        """Drop a request whose body does not come to its end; False if it is being handled."""
        if self.incoming is not None and self.incoming.channel is not None:
            return False
        self._forget()
        return True

    def connection_lost(self) -> None:
        """Break a body off that is being received."""
        incoming = self.incoming
        self._forget()
        if incoming is not None and incoming.channel is not None:
            incoming.channel.fail(ProtocolError(400, _CLIENT_CLOSED))

    def _limit_of(self, outcome: int) -> int:
        return self._max_body if outcome == STREAM else min(outcome, self._max_body)

    def _open_stream(self, incoming: Incoming) -> None:
        incoming.channel = channel = Channel(
            self._context.limits.stream_buffer,
            on_full=partial(self._flow.pause, STREAM_FULL),
            on_drained=partial(self._flow.resume, STREAM_FULL),
            on_first_read=partial(self._send_continue, incoming),
        )
        incoming.take = channel.feed
        incoming.request.stream = channel
        self._queue.add(incoming.request, incoming.outcome)

    def _complete(self, incoming: Incoming) -> None:
        """Handle a request whose last byte has come, if that was not begun before."""
        self._forget()
        request = incoming.request
        if not request.keep_alive:
            self._flow.close_input()
        if incoming.channel is not None:
            incoming.channel.end()
            return
        pieces = incoming.pieces
        if pieces:
            request.body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        self._queue.add(request, incoming.outcome)

    def _send_continue(self, incoming: Incoming) -> None:
        if self.incoming is not incoming or not incoming.awaits_continue:
            return
        incoming.awaits_continue = False
        if self._queue.closing or self._flow.lost:
            return
        self._flow.restart_clock()
        incoming.watch(self._flow.since)
        self._queue.send_interim(_CONTINUE)

    def _respond_unread(self, incoming: Incoming) -> None:
        """Respond without having read the body; the connection cannot be used any more."""
        incoming.request.keep_alive = False
        self._forget()
        self._flow.close_input()
        self._queue.add(incoming.request, incoming.outcome)

    def _forget(self) -> None:
        self.incoming = None
        self._queue.unread = None


def _whole(body: bytes) -> Channel:
    """Return a stream over a body that is there already."""
    channel = Channel(len(body), _nothing, _nothing)
    channel.feed(body)
    channel.end()
    return channel


def _nothing() -> None:
    """A body that is there already needs no back-pressure."""
