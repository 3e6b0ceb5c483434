# SPDX-License-Identifier: Apache-2.0
"""A head that is byte for byte the one before it on its connection is not parsed again.

Many clients that keep a connection send the same head with every request. What the strict parser
and the checks made of those bytes is a pure function of the bytes, so the last one is kept, for
plain requests only (no Transfer-Encoding, Expect, Upgrade, nor Connection but keep-alive). The
shortcut is taken only between two requests and only when the buffer holds exactly one whole
request; everything else goes through the parser.
"""

from __future__ import annotations

from time import monotonic
from typing import NamedTuple

from gateway.http import identity
from gateway.http.answers import message_of
from gateway.http.application import DISCARD, STREAM
from gateway.http.context import Context
from gateway.http.lifetime import Lifetime
from gateway.http.messages import FixedResponse, Headers, Request, Response
from gateway.http.stream import Channel

_LONGEST = 2048
"""Longest head that is kept, in bytes."""
_PATIENCE = 8
"""Misses in a row after which a connection does without …"""
_REST = -128
"""… for that many requests: a client whose heads never repeat hardly pays for the idea."""


class KnownHead(NamedTuple):
    """What the parser made of a head."""

    method: bytes
    target: bytes
    headers: Headers
    host: bytes
    body_length: int
    length: int = 0
    """Of head and body together."""


class Repeats(Lifetime):
    """The layer of ``HttpProtocol`` below the parser."""

    __slots__ = ("_begin", "_known", "_known_head", "_luck", "_seen")

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._begin = context.application.begin
        self._known_head = b""
        self._known: KnownHead | None = None
        self._luck = _PATIENCE
        self._seen: KnownHead | None = None
        """The head last parsed, when it is plain."""

    def _repeat(self, known: KnownHead, data: bytes) -> None:
        """Handle a whole request whose head is known, on an idle connection."""
        self._luck = _PATIENCE
        self._since = self.context.clock.now
        method, target, headers, host, length, _ = known
        request = Request(self, method, target, "1.1", headers.copy(), monotonic())
        request.host = host
        outcome = self._route(request)
        if type(outcome) is FixedResponse and request.chain is None:
            parts = self._fixed.get(outcome)
            if parts is not None:
                # The same as in ``_send``, without the tests that are settled here. The latency
                # is 0: nothing was waited for.
                request._id = number = next(identity.ids)
                data = parts[2] + number + parts[1]
                self.transport.write(data)
                try:
                    self._finished(request, outcome, len(data))
                except Exception as error:
                    self._log_phase_failed(request, error)
                return
        self._corked = True
        if not length or self._body_fits(request, outcome, data[-length:]):
            self._respond(request, outcome)
        self._corked = False
        if self._out or self._closing:
            self._flush()

    def _route(self, request: Request) -> int | Response:
        """Ask the application what to do with a request."""
        if self.trusted:
            self.context.trusted.apply(request)
        try:
            return self._begin(request)
        except Exception as error:
            return self._failure(request, error)

    def _body_fits(self, request: Request, outcome: int | Response, body: bytes) -> bool:
        """Hand over a body that is there already, or refuse it as too large."""
        if type(outcome) is not int or outcome == DISCARD:
            return True
        if len(body) > (self._max_body if outcome == STREAM else min(outcome, self._max_body)):
            self._reading = request
            self.refuse(413, message_of(413))
            return False
        if outcome == STREAM:
            request.stream = _whole(body)
        else:
            request.body = body
        return True

    def _see(self, request: Request, length: int) -> None:
        """Take down a head that passed all checks, before handlers may change the request."""
        if request.host is not None and request.method != b"HEAD":
            self._seen = KnownHead(
                request.method, request.target, request.headers.copy(), request.host, length
            )

    def _remember(self, data: bytes) -> None:
        """Keep the head just parsed if it was all of ``data`` but the body."""
        end = data.find(b"\r\n\r\n") + 4
        seen, self._seen = self._seen, None
        self._luck -= 1
        if not self._luck:
            self._luck = _REST
        if seen is None or not 4 <= end <= _LONGEST or len(data) != end + seen.body_length:
            return
        self._known_head = data[:end]
        self._known = seen._replace(length=len(data))


def _whole(body: bytes) -> Channel:
    """Return a stream over a body that is there already."""
    channel = Channel(len(body), _nothing, _nothing)
    channel.feed(body)
    channel.end()
    return channel


def _nothing() -> None:
    """A body that is there already needs no back-pressure."""
