# SPDX-License-Identifier: Apache-2.0
"""Which headers go to the upstream and which come back (RFC 9110 7.6, Kong's own)."""

from __future__ import annotations

from gateway.http.headers import (
    FORWARDING,
    IDENTITY,
    Headers,
    spellings,
    upgrades_to,
    without_port,
)
from gateway.http.heads import SERVER
from gateway.http.messages import Request
from gateway.native import forwarded_lines
from gateway.routing.normalise import escape

_HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)
_FRAMING = frozenset(spellings(b"content-length")) | frozenset(spellings(b"transfer-encoding"))
_REPLACED = _HOP_BY_HOP | FORWARDING | _FRAMING | {b"expect", b"host", b"via"}
"""Not copied from the client: made anew, or framing, also as servers read it that take an
underscore for a hyphen."""
_NOT_FOR_ONE_HOP = IDENTITY | {b"content-length", b"content-type", b"host"}
"""Framing, routing and identity are not the sender's to remove."""
_VIA = b"1.1 " + SERVER
_NOT_BACK = _HOP_BY_HOP - {b"proxy"}


def request_head(
    request: Request, path: bytes, host: bytes, prefix: bytes | None, framing: bytes
) -> bytes:
    """Return the head for the upstream.

    ``path`` is escaped and without query; ``framing`` the header line that says how long the body
    is, or nothing; ``prefix`` the part of the path that was stripped, not escaped.
    """
    query = b"" if request.query is None else (b"&" if b"?" in path else b"?") + request.query
    method = request.upstream_method or request.method
    start = b"%b %b%b HTTP/1.1\r\nHost: %b\r\n%b" % (method, path, query, host, framing)
    lines = None
    usual = request.upgrade is None and request.spelled is None and not request.plain_response
    if usual and request.version == "1.1":
        lines = forwarded_lines(
            request.headers, _VIA, request.client_ip, request.connection.peer[0]
        )
    if lines is None:
        lines = _lines(request)
    return start + lines + _origin(request, prefix)


def _lines(request: Request) -> bytes:
    """Return the lines from the request's headers to X-Forwarded-For."""
    lines: list[bytes] = []
    named = _named_in_connection(request.headers)
    if named and request.own_headers:
        named -= request.own_headers
    via = b"%b %b" % (request.version.encode(), SERVER)
    headers = request.headers
    spelled = request.spelled
    if request.plain_response:
        headers = [pair for pair in headers if pair[0] != b"accept-encoding"]
        headers.append((b"accept-encoding", b"identity"))
    for name, value in headers:
        if name not in _REPLACED and name not in named:
            written = name if spelled is None else spelled.get(name, name)
            lines.append(b"%b: %b\r\n" % (written, value))
        elif name == b"via":
            via = b"%b, %b" % (value, via)
        elif name == b"te" and b"trailers" in value.lower():
            lines.append(b"TE: trailers\r\n")
    if request.upgrade is None:
        lines.append(b"Via: %b\r\nConnection: keep-alive\r\n" % via)
    else:
        switch = b"Via: %b\r\nConnection: keep-alive, Upgrade\r\nUpgrade: %b\r\n"
        lines.append(switch % (via, request.upgrade))
    client = request.client_ip.encode()
    chain = request.header_values(b"x-forwarded-for")
    if chain:
        chain.append(request.connection.peer[0].encode())
    else:
        chain = [client]
    lines.append(b"X-Real-IP: %b\r\nX-Forwarded-For: %b\r\n" % (client, b", ".join(chain)))
    return b"".join(lines)


def _origin(request: Request, prefix: bytes | None) -> bytes:
    """Return the lines that say what the client asked for, and the blank line."""
    trusted = request.trusted
    host = request.forwarded_host or (request.host or b"").lower()
    if request.forwarded_host is None:
        host = without_port(host)
    raw_path = request.path
    if prefix is not None:
        # What a regex matched may hold decoded line ends, which would be headers of their own.
        prefix = escape(prefix)
    if trusted:
        raw_path = request.header(b"x-forwarded-path") or raw_path
        prefix = request.header(b"x-forwarded-prefix") or prefix
    stripped = b""
    if prefix and prefix != b"/":
        stripped = b"X-Forwarded-Prefix: %b\r\n" % prefix
    return (
        b"X-Forwarded-Proto: %b\r\n"
        b"X-Forwarded-Host: %b\r\nX-Forwarded-Port: %d\r\nX-Forwarded-Path: %b\r\n%b"
        b"X-Kong-Request-Id: %b\r\n\r\n"
    ) % (
        request.forwarded_proto.encode(),
        host,
        request.forwarded_port,
        raw_path,
        stripped,
        request.id,
    )


def response_headers(headers: Headers, upgrade: bytes | None = None) -> Headers:
    """Return what of an upstream's headers goes to the client; names keep their case.

    Content-Length stays: the server uses it for streams and for HEAD, and replaces it otherwise.
    Upgrade stays when it is the one the client asked for.
    """
    named = _named_in_connection(headers)
    kept = [
        header
        for header in headers
        if (name := header[0].lower()) not in _NOT_BACK and name not in named
    ]
    if upgrade is not None and upgrades_to(headers, upgrade):
        kept.append((b"Upgrade", upgrade))
    return kept


def _named_in_connection(headers: Headers) -> set[bytes]:
    """Return the lower-case names that Connection declares to be for one hop only."""
    named: set[bytes] = set()
    for name, value in headers:
        if len(name) == 10 and name.lower() == b"connection":
            named.update(token.strip().lower() for token in value.split(b","))
    return named - _NOT_FOR_ONE_HOP if named else named
