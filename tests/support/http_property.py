# SPDX-License-Identifier: Apache-2.0
"""The property of the HTTP server: however a stream is cut, it is the strict reader's requests.

In process and without a network: a connection is fed by hand, and answered at once, later, or
when its body has been read. ``difference`` returns what is wrong with one seed's stream.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

from gateway.http.application import DISCARD, STREAM
from gateway.http.client_connection import ConnectionUpgrade
from gateway.http.clock import Clock
from gateway.http.context import Context
from gateway.http.heads import HeadWriter
from gateway.http.limits import Limits
from gateway.http.messages import Pending, Request, Response
from gateway.http.protocol import HttpProtocol
from gateway.http.stream import Channel
from tests.support.http import Plug
from tests.support.http_streams import TUNNEL, pieces, stream
from tests.support.strict_http import CLOSED, OPEN, REFUSED, SWITCHED, Read, Stream, read_stream

AT_ONCE, SMALL, LATER, READING = "at once", "if small", "later", "reading"
UNREAD, EARLY = "unread", "early"
"""How requests are answered: when whole, the same with small bodies only, some time after, when a
streamed body has been read, with the body thrown away, and as soon as the head is there."""
WAYS = (AT_ONCE, AT_ONCE, SMALL, LATER, READING, UNREAD, EARLY)
_LARGEST = 20
_WANTED = {AT_ONCE: 1 << 20, SMALL: _LARGEST, LATER: 1 << 20, READING: STREAM, UNREAD: DISCARD}
_HEAD = re.compile(rb"HTTP/1\.1 (\d{3}) .*?\r\n\r\n", re.DOTALL)
_NUMBER = re.compile(rb"X-Number: (\d+)")
_REFUSALS = {400, 405, 413, 417}
_HEADS = HeadWriter(Clock(), ["off"])
_LIMITS = Limits(max_pipelined=3, turn=2)


class Tunnel(ConnectionUpgrade):
    """Keeps what comes behind a handshake."""

    def __init__(self) -> None:
        self.received: bytes | None = None

    def start(self, client: Any, early: bytes, paused: bool, ended: Callable[[int], None]) -> None:
        """Take what came with the handshake; over a socket that is all."""
        self.received = early
        client.close()

    def abort(self) -> None:
        """Nothing to give up."""


class Turns:
    """In place of an event loop: callbacks wait until ``run``."""

    def __init__(self) -> None:
        self._due: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()

    def call_soon(self, callback: Callable[..., None], *args: Any) -> None:
        """Keep a callback for later."""
        self._due.append((callback, args))

    def run(self) -> None:
        """Call what is due, and what becomes due by it."""
        while self._due:
            callback, args = self._due.popleft()
            callback(*args)


class Recorder:
    """An application that keeps what it was asked."""

    def __init__(self, way: str) -> None:
        self.way = way
        self.read: list[Read] = []
        self.tunnel = Tunnel()
        self.pending: deque[tuple[Request, Pending]] = deque()

    def begin(self, request: Request) -> int | Response:
        """Say what to do with the body."""
        return self._respond(request, b"") if self.way == EARLY else _WANTED[self.way]

    def handle(self, request: Request) -> Response | Pending:
        """Respond, or keep the request for ``go_on``."""
        if self.way in (LATER, READING):
            pending = Pending()
            self.pending.append((request, pending))
            return pending
        return self._respond(request, request.body)

    def finished(self, request: Request, response: Response, written: int) -> None:
        """Nothing to count."""

    def go_on(self) -> bool:
        """Respond to the request that waits, if its body is there; return whether one was."""
        if not self.pending:
            return False
        request, pending = self.pending[0]
        body = request.body
        channel = request.stream
        if self.way == READING and isinstance(channel, Channel):
            if channel.error is not None:
                self.pending.popleft()
                pending.resolve(Response(400, (), b""))
                return True
            if not channel.complete:
                return False
            body = channel.take()
        self.pending.popleft()
        pending.resolve(self._respond(request, body))
        return True

    def _respond(self, request: Request, body: bytes) -> Response:
        self.read.append(Read(request.method, request.target, list(request.headers), body))
        if request.upgrade is not None and request.path == TUNNEL:
            return Response(101, [(b"Upgrade", b"websocket")], self.tunnel)
        return Response(299, [(b"X-Number", b"%d" % len(self.read))], b"")


def serve(random: Random, parts: list[bytes], way: str) -> tuple[Recorder, Plug]:
    """Feed a connection piece by piece; return what was asked of the application, and answered."""
    app, turns, plug = Recorder(way), Turns(), Plug()
    loop: Any = turns
    protocol = HttpProtocol(Context(app, _LIMITS, _HEADS, loop))
    protocol.connection_made(plug)
    for part in parts:
        if app.tunnel.received is not None:
            app.tunnel.received += part
        elif not plug.closed:
            protocol.data_received(part)
        turns.run()
        if app.way == READING or random.random() < 0.5:
            app.go_on()
            turns.run()
    while app.go_on():
        turns.run()
    return app, plug


def difference(seed: int) -> str | None:
    """Serve the stream of a seed; return how it differs from the strict reader's, if it does."""
    random = Random(seed)
    data = stream(random)
    parts = pieces(random, data)
    way = random.choice(WAYS)
    expected = read_stream(
        data,
        unread_bodies=way in (UNREAD, EARLY),
        largest=_LARGEST if way == SMALL else None,
    )
    try:
        app, plug = serve(random, parts, way)
    except Exception as error:
        found = f"raised {error!r}"
    else:
        found = _compared(expected, app, plug)
    return f"{found}\nanswered {way}\n{expected}\npieces {parts}" if found else None


def _compared(expected: Stream, app: Recorder, plug: Plug) -> str:
    wanted = expected.requests
    if app.way in (UNREAD, EARLY):
        wanted = [one._replace(body=b"") for one in wanted]
    if app.read[: len(wanted)] != wanted or len(app.read) > len(wanted) + (app.way == EARLY):
        return f"handled {app.read}"
    return _responses(expected, app, plug) or _ending(expected, app, plug)


def _responses(expected: Stream, app: Recorder, plug: Plug) -> str:
    """Compare the responses with the requests: one for each, in order, and one refusal at most."""
    statuses = [int(status) for status in _HEAD.findall(plug.written)]
    refusals = [status for status in statuses if status not in (100, 101, 299)]
    numbers = [int(number) for number in _NUMBER.findall(plug.written)]
    tunnels = int(app.tunnel.received is not None)
    if numbers != list(range(1, len(expected.requests) - tunnels + 1)):
        return f"answered {plug.written!r}"
    if (statuses.count(299), statuses.count(101)) != (len(numbers), tunnels):
        return f"answered {plug.written!r}"
    if len(refusals) > 1 or not set(refusals) <= _REFUSALS or (refusals and not plug.closed):
        return f"refused {refusals}, closed {plug.closed}"
    if bool(refusals) != (expected.end == REFUSED) and not (refusals and expected.partial):
        return f"refused {refusals}"
    return ""


def _ending(expected: Stream, app: Recorder, plug: Plug) -> str:
    received = app.tunnel.received
    if received is not None:
        if expected.end != SWITCHED or received != expected.rest:
            return f"tunnelled {received!r}"
        return ""
    last = expected.requests[-1].target if expected.requests else b""
    if expected.end == SWITCHED and last == TUNNEL:
        return "no tunnel"
    if expected.end in (CLOSED, SWITCHED) and not plug.closed:
        return "not closed"
    if expected.end == OPEN and not expected.partial and plug.closed:
        return "closed"
    return ""
