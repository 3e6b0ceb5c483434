# SPDX-License-Identifier: Apache-2.0
"""Writing response heads: status line, framing, and the gateway's own headers.

Which of the own headers go out is the setting ``headers`` (Kong's names):
``server_tokens`` is Server and Via, ``latency_tokens`` the three latencies, each header also has
its own name, ``off`` is none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from time import monotonic

from gateway import __version__
from gateway.http.clock import Clock
from gateway.http.messages import FixedResponse, Request, Response
from gateway.native import response_lines
from gateway.settings.shown_headers import DEFAULT_WORDS, shown_headers

SERVER = b"kafka-gateway/" + __version__.encode()
VIA = b"1.1 " + SERVER

_PHRASES = {
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    416: "Requested Range Not Satisfiable",
    422: "Unprocessable Entity",
}
"""Those that Python 3.13 has renamed, as RFC 9110 has: a response is the same on every Python."""
_STATUS_LINES = {
    int(status): b"HTTP/1.1 %d %b\r\n" % (status, _PHRASES.get(status, status.phrase).encode())
    for status in HTTPStatus
}
_OWN = frozenset(
    b"content-length transfer-encoding connection keep-alive date upgrade x-kong-request-id".split()
)
"""Not taken as they are: framing, Date and the id are the server's business."""
# Numbers: ``b"x" in data`` makes and drops an exception first, ``120 in data`` is ten times faster.
_CR, _LF = 13, 10
_BODYLESS = frozenset((204, 304))
_WITH_UPGRADE = {b"keep-alive": b"Upgrade", b"close": b"close, Upgrade"}
_PROXIED = (
    b"X-Kong-Upstream-Latency: %%d\r\nX-Kong-Proxy-Latency: %%d\r\nVia: %b\r\n"
    b"X-Kong-Request-Id: %%b\r\n" % VIA
)
"""What the gateway says of a proxied response when it says all but the upstream's status."""
_LATENCIES = [b"%d\r\nX-Kong-Request-Id: " % milliseconds for milliseconds in range(256)]


@dataclass(frozen=True, slots=True)
class FixedParts:
    """What is the same each time that a fixed response is sent."""

    before: bytes
    """What goes before the latency."""
    after: bytes
    """What goes after the request's id: the end of the head, and the body."""
    at_once: bytes
    """What goes before the id when the latency is 0."""


class HeadWriter:
    """Renders heads for one worker. Heads of fixed responses are kept until the next tick."""

    def __init__(self, clock: Clock, headers: Iterable[str] = DEFAULT_WORDS) -> None:
        self.clock = clock
        shown = shown_headers(headers)
        self._server = b"Server: %b\r\n" % SERVER if "server" in shown else b""
        self._via = "via" in shown
        self._proxy_latency = "x-kong-proxy-latency" in shown
        self._upstream_latency = "x-kong-upstream-latency" in shown
        self._response_latency = "x-kong-response-latency" in shown
        self._request_id = "x-kong-request-id" in shown
        self._upstream_status = "x-kong-upstream-status" in shown
        self._may_keep = self._response_latency and self._request_id
        self._usual_proxied = self._request_id and not self._upstream_status
        self._usual_proxied &= self._via and self._upstream_latency and self._proxy_latency
        self.usual = self._may_keep
        """True when ``fixed_parts`` may be used."""
        self.fixed: dict[FixedResponse, FixedParts] = {}
        """What ``fixed_parts`` made since the last tick; cleared, never replaced."""

    def tick(self) -> None:
        """Advance the clock; called once a second."""
        if self.clock.tick():
            self.fixed.clear()

    def part(self, parting: bool) -> None:
        """Render every head anew while connections are closed, not kept."""
        self.usual = self._may_keep and not parting
        self.fixed.clear()

    def fixed_parts(self, response: FixedResponse) -> FixedParts:
        """Return the parts of a kept-alive response; they stay until ``tick`` or ``part``."""
        body = response.body
        assert isinstance(body, bytes)
        before = b"%b%b%b%bX-Kong-Response-Latency: " % (
            status_line(response.status),
            self.clock.date,
            b"".join([b"%b: %b\r\n" % pair for pair in response.headers]),
            _framing(response.status, len(body), b"keep-alive") + self._server,
        )
        at_once = b"%b0\r\nX-Kong-Request-Id: " % before
        parts = FixedParts(before, b"\r\n\r\n" + body, at_once)
        if len(self.fixed) >= 1024:
            self.fixed.clear()
        self.fixed[response] = parts
        return parts

    def head(
        self, request: Request, response: Response, length: int | None, keep_alive: bool
    ) -> bytes:
        """Return the head of any response.

        ``length`` is that of the body, None for a stream: then a Content-Length of the response
        counts, else the body is chunked (up to the connection's end for HTTP/1.0). HEAD keeps a
        Content-Length that came from an upstream.
        """
        connection = b"keep-alive" if keep_alive else b"close"
        if length is not None and request.method != b"HEAD":
            made = response_lines(response.headers)
            if made is not None:
                written, date, has_server = made
                first = self.clock.date
                if date is not None and not response.generated:
                    first = b"Date: %b\r\n" % date
                status = response.status
                lines = [status_line(status), first, written, _framing(status, length, connection)]
                return self._ended(request, response, [], lines, has_server)
        return self._line_by_line(request, response, length, connection)

    def _line_by_line(
        self, request: Request, response: Response, length: int | None, connection: bytes
    ) -> bytes:
        status = response.status
        lines = [status_line(status), self.clock.date]
        given_length: bytes | None = None
        via: list[bytes] = []
        has_server = False
        for name, value in response.headers:
            lower = name.lower()
            if lower in _OWN:
                if lower == b"content-length":
                    given_length = value
                elif lower == b"date" and not response.generated:
                    lines[1] = b"Date: %b\r\n" % value
                elif lower == b"upgrade":
                    # A sender of Upgrade says so in Connection (RFC 9110 section 7.8).
                    lines.append(b"Upgrade: %b\r\n" % value)
                    connection = _WITH_UPGRADE.get(connection, connection)
                continue
            if lower == b"via" and not response.generated:
                via.append(value)
                continue
            if lower == b"server":
                has_server = True
            if _LF in value or _CR in value:
                # A plugin may echo what a client sent: that must not become a header or a body.
                value = value.replace(b"\r", b" ").replace(b"\n", b" ")
            lines.append(b"%b: %b\r\n" % (name, value))
        if length is None or (given_length is not None and request.method == b"HEAD"):
            lines.append(_stream_framing(request, status, given_length, connection))
        elif request.method == b"HEAD" and not response.generated and not length:
            # How long the body of a GET would be is not known (RFC 9110 section 8.6).
            lines.append(b"Connection: %b\r\n" % connection)
        else:
            lines.append(_framing(status, length, connection))
        return self._ended(request, response, via, lines, has_server)

    def _ended(
        self,
        request: Request,
        response: Response,
        via: list[bytes],
        lines: list[bytes],
        has_server: bool,
    ) -> bytes:
        """Return a head of these lines and what the gateway says itself."""
        if not has_server:
            lines.append(self._server)
        self._own_headers(request, response, via, lines)
        if request.response_lines:
            lines.append(request.response_lines[2:] + b"\r\n")
        lines.append(b"\r\n")
        return b"".join(lines)

    def _own_headers(
        self, request: Request, response: Response, via: list[bytes], lines: list[bytes]
    ) -> None:
        elapsed = int((monotonic() - request.received) * 1000)
        if self._usual_proxied and not (via or response.generated):
            upstream = request.upstream_ms
            lines.append(_PROXIED % (upstream, max(elapsed - upstream, 0), request.id))
            return
        if response.generated:
            if self._response_latency:
                lines.append(b"X-Kong-Response-Latency: %d\r\n" % elapsed)
        else:
            if self._via:
                via.append(VIA)
            if self._upstream_latency:
                lines.append(b"X-Kong-Upstream-Latency: %d\r\n" % request.upstream_ms)
            if self._proxy_latency:
                own = max(elapsed - request.upstream_ms, 0)
                lines.append(b"X-Kong-Proxy-Latency: %d\r\n" % own)
            if via:
                lines.append(b"Via: %b\r\n" % b", ".join(via))
        if self._upstream_status and request.upstream_status is not None:
            lines.append(b"X-Kong-Upstream-Status: %d\r\n" % request.upstream_status)
        if self._request_id:
            lines.append(b"X-Kong-Request-Id: %b\r\n" % request.id)


def latency_line(milliseconds: int) -> bytes:
    """Return what stands between the parts of a fixed response and the request's id."""
    if milliseconds < len(_LATENCIES):
        return _LATENCIES[milliseconds]
    return b"%d\r\nX-Kong-Request-Id: " % milliseconds


def _framing(status: int, length: int, connection: bytes) -> bytes:
    """Return Connection and the length of a whole body."""
    if status in _BODYLESS or status < 200:
        return b"Connection: %b\r\n" % connection
    return b"Connection: %b\r\nContent-Length: %d\r\n" % (connection, length)


def _stream_framing(
    request: Request, status: int, given_length: bytes | None, connection: bytes
) -> bytes:
    """Return Connection and how the end of a stream will be known."""
    if given_length is not None:
        return b"Connection: %b\r\nContent-Length: %b\r\n" % (connection, given_length)
    if request.version == "1.1" and status not in _BODYLESS:
        return b"Connection: %b\r\nTransfer-Encoding: chunked\r\n" % connection
    return b"Connection: %b\r\n" % connection


def status_line(status: int) -> bytes:
    """Return the status line with its line end."""
    return _STATUS_LINES.get(status) or b"HTTP/1.1 %d Unknown\r\n" % status
