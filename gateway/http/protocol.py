# SPDX-License-Identifier: Apache-2.0
"""One HTTP/1.1 connection: the parser and its callbacks.

The path of a small request has no task, no future, no timer and one write: everything here that
is not needed by every request stands behind a cheap test.
"""

from __future__ import annotations

import re
from time import monotonic

import httptools

from gateway.errors import ProtocolError, RequestRejected
from gateway.http.checks import (
    bad_request,
    check_host,
    check_sizes,
    check_transfer_encoding,
    origin_form,
)
from gateway.http.context import Context
from gateway.http.messages import Request
from gateway.http.own_headers import IDENTITY
from gateway.http.repeats import Repeats

_SPECIAL = IDENTITY.union(
    b"host content-length transfer-encoding expect connection proxy-connection upgrade".split()
)
# Numbers: ``b"x" in data`` makes and drops an exception first, ``120 in data`` is ten times faster.
_SLASH, _HASH = 47, 35
_REFUSED_METHODS = frozenset((b"TRACE", b"CONNECT"))
_SLICE = 16384
"""Most bytes parsed before looking whether reading should stop."""
_OVERHEAD = 32768
"""Bytes of chunk framing, extensions and trailers allowed beyond 16 for each byte of body."""
_OTHER_METHOD = re.compile(rb"((?:\r\n)*)([A-Z][A-Z0-9_-]{0,31})( ?)")


class HttpProtocol(Repeats):
    """Made by the server once a connection; also what ``Request.connection`` is."""

    __slots__ = (
        "_head_bytes",
        "_headers",
        "_held",
        "_method",
        "_parser",
        "_priming",
        "_small",
        "_upgrading",
    )

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        limits = context.limits
        self._small = min(limits.max_request_line, limits.max_header_size, 4 * limits.max_headers)
        self._parser = httptools.HttpRequestParser(self)
        self._method = b""
        """Set when the method is not one that the parser knows."""
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_bytes = 0
        """Upper bound of the bytes of the head being read."""
        self._upgrading = False
        self._priming = False
        self._held = b""

    def data_received(self, data: bytes) -> None:
        """Parse, handle what became complete, and write all answers at once."""
        if self._deaf or self._closing:
            return
        fresh = False
        if self._mid:
            self._head_bytes += len(data)
            if self._reading is not None:
                self._since = self.context.clock.now
        else:
            if self._luck > 0 and self._current is None:
                known = self._known
                if (
                    known is not None
                    and known[5] == len(data)
                    and data.startswith(self._known_head)
                ):
                    self._repeat(known, data)
                    return
                fresh = True
            elif self._luck <= 0:
                self._luck += 1
            self._mid = True
            self._since = self.context.clock.now
            self._head_bytes = len(data)
        self._corked = True
        self._feed(data)
        self._corked = False
        if fresh:
            self._remember(data)
        if self._mid and self._reading is None:
            self._check_partial_head()
        if self._waiting and self._current is None:
            self._advance()
        if self._out or self._closing:
            self._flush()

    def _feed(self, data: bytes) -> None:
        if len(data) > _SLICE or self._pauses or self._held or self._chunked:
            self._feed_carefully(data)
            return
        # What is fed from inside an ``except`` would get the outer error for its context.
        stopped: Exception | None = None
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            stopped = error
        if stopped is not None:
            rest = self._stopped(stopped, data)
            if rest:
                self._feed_carefully(rest)

    def _feed_carefully(self, data: bytes) -> None:
        """Parse piece by piece, so that back-pressure stops a large buffer half-way."""
        if self._held:
            data, self._held = self._held + data, b""
        at = 0
        while at < len(data) and not self._deaf and not self._closing:
            if self._pauses:
                self._unfed += data[at:]
                return
            piece = data[at : at + _SLICE]
            counted = self._chunked
            stopped: Exception | None = None
            try:
                self._parser.feed_data(piece)
            except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
                stopped = error
            if stopped is not None:
                data, at = self._stopped(stopped, data[at:]), 0
                continue
            at += _SLICE
            if counted and self._chunked:
                self._overhead += len(piece)
                if self._overhead > 17 * self._body_size + _OVERHEAD:
                    self.refuse(400)

    def _feed_rest(self) -> None:
        if self._corked:
            self.context.loop.call_soon(self._feed_rest)
        elif self._unfed and not self._pauses and not self.lost:
            data, self._unfed = self._unfed, b""
            self.data_received(data)

    # --- parser ------------------------------------------------------------------------------

    def on_url(self, url: bytes) -> None:
        """Take a piece of the request target."""
        self._target = self._target + url if self._target else url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header line; or a trailer, which is dropped when the message is complete."""
        self._headers.append((name.lower(), value.strip()))

    def on_headers_complete(self) -> None:
        """Check the head, make the request, have it routed."""
        headers, self._headers = self._headers, []
        target, self._target = self._target, b""
        if self._priming or self._deaf:
            return
        parser = self._parser
        method = self._method or parser.get_method()
        self._method = b""
        self._reading = request = Request(self, method, target, "1.1", headers, monotonic())
        if self._head_bytes > self._small:
            check_sizes(target, headers, self.context.limits)
        host = None
        length = 0
        special = False
        for name, value in headers:
            if name in _SPECIAL:
                if name == b"host" and host is None:
                    host = value
                elif name == b"content-length":
                    length = int(value)
                else:
                    special = True
        request.host = host
        plain = True
        if special or not parser.should_keep_alive():
            length, plain = self._check_framing(request, length)
        if method in _REFUSED_METHODS:
            raise ProtocolError(405, "Method not allowed")
        if host is None or target[0] != _SLASH or _HASH in target:
            self._check_target(request)
        else:
            check_host(host)
        if plain and self._luck > 0:
            self._see(request, length)
        self._outcome = outcome = self._route(request)
        if length:
            self._await_body(request, outcome, length)

    def on_message_complete(self) -> None:
        """Handle the request, or queue it behind the one that is being answered."""
        request = self._reading
        if request is None:
            return
        if self._upgrading and (self._body_due or request.upgrade is not None):
            # The parser stops here: ``_reframe`` goes on.
            return
        self._reading = None
        self._mid = False
        if self._headers:
            self._headers = []
        if self._body_due and not self._body_complete(request):
            return
        if self._current is None and not self._waiting:
            self._respond(request, self._outcome)
        else:
            self._enqueue(request, self._outcome)

    # --- behind the cheap tests --------------------------------------------------------------

    def _check_framing(self, request: Request, length: int) -> tuple[int, bool]:
        """Look at what few requests have; return the body's length and whether the head is plain.

        The length of a chunked body is -1. Plain: nothing but ``Connection: keep-alive``.
        """
        if not self.trusted and not IDENTITY.isdisjoint([name for name, _ in request.headers]):
            # Who a client is, is ours to say, also on routes where no plugin asks for it.
            request.headers = [pair for pair in request.headers if pair[0] not in IDENTITY]
        version = self._parser.get_http_version()
        if version not in ("1.0", "1.1"):
            raise bad_request()
        request.version = version
        request.keep_alive = self._parser.should_keep_alive()
        hosts = 0
        plain = version == "1.1" and request.keep_alive
        for name, value in request.headers:
            if name in _SPECIAL and name not in (b"host", b"content-length"):
                plain = plain and name == b"connection" and value.lower() == b"keep-alive"
            if name == b"host":
                hosts += 1
            elif name == b"transfer-encoding":
                check_transfer_encoding(value, version)
                length = -1
            elif name == b"expect" and version == "1.1":
                if value.lower() != b"100-continue":
                    raise RequestRejected(417, "Expectation failed")
                self._expects = True
        if hosts > 1:
            raise bad_request()
        self._expects = self._expects and length != 0
        self._upgrading = self._parser.should_upgrade()
        if self._upgrading and version == "1.1" and request.method == b"GET" and not length:
            request.upgrade = _websocket(request)
        return length, plain

    def _check_target(self, request: Request) -> None:
        """Check a head without Host, or a target that is not a path."""
        if request.target[0] == _SLASH and _HASH not in request.target:
            if request.host is None and request.version == "1.1":
                raise bad_request()
            return
        target, request.host = origin_form(request.target, request.host, request.version)
        request.target = target
        request.path, mark, query = target.partition(b"?")
        request.query = query if mark else None

    def _check_partial_head(self) -> None:
        limits = self.context.limits
        if self._deaf or self._closing or self._pauses:
            return
        if len(self._target) > limits.max_request_line:
            self.refuse(414)
        elif self._head_bytes > limits.max_request_line + limits.max_header_size:
            self.refuse(431)

    def _stopped(self, error: Exception, data: bytes) -> bytes:
        """The parser gave up: malformed bytes, an upgrade, or one of our callbacks raised.

        Return what is to be parsed next.
        """
        if self._deaf or self._closing:
            return b""
        if isinstance(error, httptools.HttpParserUpgrade):
            return self._reframe(data[error.args[0] :])
        if isinstance(error, httptools.HttpParserCallbackError):
            cause = error.__context__
            if isinstance(cause, RequestRejected):
                self.refuse(cause.status, cause.message)
            else:
                self.context.log.error("connection failed", exc_info=cause)
                self.refuse(500)
        elif (
            isinstance(error, httptools.HttpParserInvalidMethodError)
            and self._mid
            and self._head_bytes == len(data)
        ):
            return self._other_method(data)
        else:
            self.refuse(400)
        return b""

    def _other_method(self, data: bytes) -> bytes:
        """Take a method the parser does not know; ``data`` is all there is of its request.

        Routes may match any upper-case method. The parser sees POST in its place: framing is the
        same for both. Behind another request in one buffer such a method is refused: the parser
        does not say where it stopped.
        """
        match = _OTHER_METHOD.match(data)
        if match is None or (not match[3] and match.end() < len(data)):
            self.refuse(400)
            return b""
        if not match[3]:
            self._held = data
            return b""
        self._parser = httptools.HttpRequestParser(self)
        self._method = match[2]
        return b"POST " + data[match.end() :]

    def _reframe(self, rest: bytes) -> bytes:
        """Go on after a request with an Upgrade.

        The parser stops there and takes the body for another protocol's bytes. For an Upgrade
        that is not followed a new parser gets a head with the same framing, so that body and next
        request are where they are. Behind a handshake nothing is parsed before its answer is out.
        """
        self._upgrading = False
        self._parser = httptools.HttpRequestParser(self)
        if self._reading is not None and not self._deaf:
            request = self._reading
            if request.upgrade is not None:
                self._mid = False
                self._await_answer(request, rest)
                return b""
            length = request.header(b"content-length")
            framing = b"Transfer-Encoding: chunked"
            if length is not None:
                framing = b"Content-Length: %b" % length
            self._priming = True
            self._parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n\r\n" % framing)
            self._priming = False
        return rest


def _websocket(request: Request) -> bytes | None:
    """Return the Upgrade of a WebSocket handshake (RFC 6455 4.1): the only one passed on."""
    values = request.header_values(b"upgrade")
    return values[0] if len(values) == 1 and values[0].lower() == b"websocket" else None
