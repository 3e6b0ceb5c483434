# SPDX-License-Identifier: Apache-2.0
"""Reading one request head: the only place where llhttp sees what a client sent.

The connection finds where a head ends and hands over exactly that; llhttp never meets the bytes
of two messages in one call, nor a part of a head. So nothing it remembers of a message can become
part of another.
"""

from __future__ import annotations

import re
from urllib.parse import quote

import httptools

from gateway.http.checks import bad_request
from gateway.http.headers import Headers

Head = tuple[bytes, bytes, str, Headers]
"""Method, target, version (``1.0`` or ``1.1``), headers."""

# More than one space between the words is taken, as RFC 9112 section 3 allows and llhttp does.
_REQUEST_LINE = re.compile(rb"([A-Z][A-Z0-9_-]{0,31}) +([\x21-\x7e\x80-\xff]+) +HTTP/(1\.[01])\r\n")
# One way to match any text: a thousand spaces must not be tried in a million.
_BEGUN = re.compile(rb"[A-Z][A-Z0-9_-]{0,31}(?: [^\x00-\x1f\x7f]*)?\r?\Z")
_BEFORE_LINE_END = re.compile(rb"(?<=[\x21-\x7e\x80-\xff])[ \t]+\r\n")
_VISIBLE = bytes(range(0x21, 0x7F)).decode()


class HeadParser:
    """Reads the heads of one connection, one at a time.

    llhttp's parser is used again only behind a message that it has seen whole; the callbacks fill
    what ``read`` made for this head.
    """

    __slots__ = ("_headers", "_parser", "_target")

    def __init__(self) -> None:
        self._parser: httptools.HttpRequestParser | None = None
        self._target = b""
        self._headers: Headers = []

    def read(self, head: bytes) -> Head:
        """Return what a head says, from its request line to its empty line; no more, no less.

        Raises ``ProtocolError`` (400) when it is malformed.
        """
        used, self._parser = self._parser, None
        parser = used or httptools.HttpRequestParser(self)
        headers: Headers = []
        self._headers = headers
        self._target = b""
        kept: httptools.HttpRequestParser | None = parser
        try:
            parser.feed_data(head)
        except httptools.HttpParserUpgrade:
            # For llhttp everything behind an Upgrade is another protocol: this parser has ended.
            kept = None
        except httptools.HttpParserError:
            # One that has seen a message with ``Connection: close`` refuses whatever follows.
            return self._read_unusual(head) if used is None else self.read(head)
        method, target = parser.get_method(), self._target
        if head.startswith(b"HTTP/1.1\r\n", len(method) + len(target) + 2):
            self._parser = kept
            return method, target, "1.1", headers
        line = _REQUEST_LINE.match(head)
        if line is None:
            # llhttp also reads RTSP and ICE, HTTP/0.9 and 2.0.
            raise bad_request()
        return method, target, line[3].decode(), headers

    def complete(self, body: bytes) -> None:
        """Take note of the whole body (by Content-Length) of the head read last."""
        if self._parser is not None:
            self._parser.feed_data(body)

    def forget(self) -> None:
        """The body of the head read last does not pass here: begin anew with the next head."""
        self._parser = None

    def on_url(self, url: bytes) -> None:
        """Take the request target; called by llhttp."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header line; called by llhttp."""
        self._headers.append((name.lower(), value.strip()))

    def _read_unusual(self, head: bytes) -> Head:
        """Read a head anew that llhttp refuses, perhaps for what may be.

        Routes may match any upper-case method. llhttp sees POST in its place: framing is the same
        for both. A target with raw UTF-8 is taken as curl sends it (nginx takes it too) and
        percent-encoded, as it should have been (RFC 3986 section 2.5). Tabs may stand behind any
        value (RFC 9112 section 5.1), also behind ``chunked``.
        """
        line = _REQUEST_LINE.match(head)
        if line is None:
            raise bad_request()
        method, target, version = line.groups()
        encoded = _percent_encoded(target)
        fields = _BEFORE_LINE_END.sub(b"\r\n", head[line.end() :])
        usual = b"POST %b HTTP/%b\r\n%b" % (encoded, version, fields)
        headers: Headers = []
        self._headers = headers
        self._target = b""
        try:
            httptools.HttpRequestParser(self).feed_data(usual)
        except httptools.HttpParserUpgrade:
            pass
        except httptools.HttpParserError:
            raise bad_request() from None
        return method, encoded, version.decode(), headers


def may_begin(data: bytes) -> bool:
    """Tell whether a head could begin with these bytes, which do not hold all of it.

    Looks at the request line and for bare line feeds: enough to refuse at once what speaks another
    protocol or ends its lines otherwise, instead of waiting for the rest.
    """
    if data.count(b"\n") != data.count(b"\r\n"):
        return False
    return (_REQUEST_LINE if b"\n" in data else _BEGUN).match(data) is not None


def _percent_encoded(target: bytes) -> bytes:
    if target.isascii():
        return target
    try:
        target.decode()
    except UnicodeDecodeError:
        # Bytes that are no text mean nothing in a URL, and each hop would show them differently.
        raise bad_request() from None
    return quote(target, safe=_VISIBLE).encode()
