# SPDX-License-Identifier: Apache-2.0
"""A second opinion: HTTP/1.1 requests read by the letter of RFC 9112, slowly and all at once.

It shares no code with the gateway and sees a connection's bytes as a whole, so that it cannot go
wrong where they were cut.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

_REQUEST_LINE = re.compile(
    # More than one space is taken by llhttp (RFC 9112 section 3 lets a server be that lenient).
    rb"([A-Z][A-Z0-9_-]{0,31}) +([\x21-\x7e\x80-\xff]+) +HTTP/(1\.[01])\r\n"
)
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)\r\n")
_HOST = re.compile(rb"([A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{0,5})?")
_ABSOLUTE = re.compile(rb"(?i:https?)://([^/?#]+)(/[^#]*|\?[^#]*|)")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n")

OPEN, REFUSED, CLOSED, SWITCHED = "open", "refused", "closed", "switched"


class Read(NamedTuple):
    """One request as read."""

    method: bytes
    target: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes


@dataclass
class Stream:
    """What the bytes of a connection are.

    ``end``: the connection stays open, something was refused, the last request asked to close,
    or asked for a WebSocket; ``rest`` are the bytes behind that. ``partial``: it is open, and ends
    inside a message.
    """

    requests: list[Read] = field(default_factory=list)
    end: str = OPEN
    rest: bytes = b""
    partial: bool = False


class BadRequestError(Exception):
    """The bytes are no HTTP request that is served."""


class IncompleteError(Exception):
    """The bytes end inside a request."""


def read_all(data: bytes) -> list[Read]:
    """Return the requests up to the first that is bad or not whole, or is the last."""
    return read_stream(data).requests


def read_stream(data: bytes, *, unread_bodies: bool = False, largest: int | None = None) -> Stream:
    """Read a connection's bytes; a body of more than ``largest`` bytes is refused.

    ``unread_bodies``: nobody wants the bodies, so that a request that waits for 100 Continue is
    answered instead, and the connection closed.
    """
    found = Stream()
    try:
        while data := data.lstrip(b"\r\n"):
            read, data, end = _read(data, unread_bodies)
            if largest is not None and len(read.body) > largest:
                raise BadRequestError
            found.requests.append(read)
            if end != OPEN:
                found.end, found.rest = end, data
                break
    except BadRequestError:
        found.end = REFUSED
    except IncompleteError:
        found.partial = True
    return found


def _read(data: bytes, unread_bodies: bool) -> tuple[Read, bytes, str]:
    if b"\r\n\r\n" not in data:
        raise IncompleteError
    line = _REQUEST_LINE.match(data)
    if line is None:
        raise BadRequestError
    method, target, version = line.groups()
    headers, at = _fields(data, line.end())
    hosts = _values(headers, b"host")
    if len(hosts) > 1 or (version == b"1.1" and not hosts):
        raise BadRequestError
    if hosts and not _good_host(hosts[0]):
        raise BadRequestError
    target = _target(target, hosts)
    if method in (b"TRACE", b"CONNECT"):
        raise BadRequestError
    expects = version == b"1.1" and _values(headers, b"expect")
    if expects and any(one.lower() != b"100-continue" for one in expects):
        raise BadRequestError
    length = _length(headers, version)
    end = _end(method, version, headers, length)
    if unread_bodies and expects and length != 0:
        return Read(method, target, headers, b""), b"", CLOSED
    body, at = _chunks(data, at) if length is None else _counted(data, at, length)
    return Read(method, target, headers, body), data[at:], end


def _fields(data: bytes, at: int) -> tuple[list[tuple[bytes, bytes]], int]:
    fields = []
    while data[at : at + 2] != b"\r\n":
        field = _HEADER.match(data, at)
        if field is None:
            raise BadRequestError if b"\r\n" in data[at:] else IncompleteError
        fields.append((field[1].lower(), field[2].strip(b" \t")))
        at = field.end()
    return fields, at + 2


def _good_host(host: bytes) -> bool:
    match = _HOST.fullmatch(host)
    return match is not None and int((match[2] or b"")[1:] or 0) < 65536


def _target(target: bytes, hosts: list[bytes]) -> bytes:
    try:
        target.decode()
    except UnicodeDecodeError:
        raise BadRequestError from None
    if not target.isascii():
        target = re.sub(rb"[\x80-\xff]", lambda one: b"%%%02X" % ord(one[0]), target)
    if target.startswith(b"/"):
        if b"#" in target:
            raise BadRequestError
        return target
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None or not hosts or absolute[1].lower() != hosts[0].lower():
        raise BadRequestError
    return absolute[2] if absolute[2].startswith(b"/") else b"/" + absolute[2]


def _length(headers: list[tuple[bytes, bytes]], version: bytes) -> int | None:
    """Return the length of the body; None: chunked."""
    lengths = _values(headers, b"content-length")
    codings = _values(headers, b"transfer-encoding")
    if codings:
        if lengths or version != b"1.1" or [one.lower() for one in codings] != [b"chunked"]:
            raise BadRequestError
        return None
    if not lengths:
        return 0
    if len(lengths) > 1 or not re.fullmatch(rb"[0-9]{1,19}", lengths[0]):
        raise BadRequestError
    return int(lengths[0])


def _end(
    method: bytes, version: bytes, headers: list[tuple[bytes, bytes]], length: int | None
) -> str:
    """Return what the connection is behind this request."""
    options = b",".join(
        _values(headers, b"connection") + _values(headers, b"proxy-connection")
    ).lower()
    tokens = {token.strip() for token in options.split(b",")}
    upgrades = _values(headers, b"upgrade")
    if version == b"1.1" and b"upgrade" in tokens and upgrades:
        handshake = method == b"GET" and length == 0
        single = len(upgrades) == 1 and upgrades[0].lower() == b"websocket"
        return SWITCHED if handshake and single else CLOSED
    if b"close" in tokens or (version == b"1.0" and b"keep-alive" not in tokens):
        return CLOSED
    return OPEN


def _counted(data: bytes, at: int, length: int) -> tuple[bytes, int]:
    end = at + length
    if end > len(data):
        raise IncompleteError
    return data[at:end], end


def _chunks(data: bytes, at: int) -> tuple[bytes, int]:
    body = b""
    while True:
        line = _CHUNK.match(data, at)
        if line is None:
            raise BadRequestError if b"\r\n" in data[at:] else IncompleteError
        size = int(line[1], 16)
        at = line.end()
        if not size:
            return body, _fields(data, at)[1]
        body += data[at : at + size]
        behind = data[at + size : at + size + 2]
        if not b"\r\n".startswith(behind):
            raise BadRequestError
        if behind != b"\r\n":
            raise IncompleteError
        at += size + 2


def _values(headers: list[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    return [value for key, value in headers if key == name]
