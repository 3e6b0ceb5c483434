# SPDX-License-Identifier: Apache-2.0
"""A second opinion: HTTP/1.1 requests read by the letter of RFC 9112, slowly and all at once."""

from __future__ import annotations

import re
from typing import NamedTuple

_REQUEST_LINE = re.compile(
    # More than one space is taken by llhttp (RFC 9112 section 3 lets a server be that lenient);
    # so are the names of its two other protocols, whose requests nothing before us would forward.
    rb"([A-Z][A-Z0-9_-]*) +([\x21-\x7e]+) +(?:HTTP|RTSP|ICE)/(1\.[01])\r\n"
)
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([\t\x20-\x7e\x80-\xff]*)\r\n")
_HOST = re.compile(rb"([A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{0,5})?")
_ABSOLUTE = re.compile(rb"(?i:https?)://([^/?#]+)(/[^#]*|\?[^#]*|)")
_CHUNK = re.compile(rb"([0-9A-Fa-f]+)(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n")


class Read(NamedTuple):
    """One request as read."""

    method: bytes
    target: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes


class BadRequestError(Exception):
    """The bytes are no HTTP request."""


class IncompleteError(Exception):
    """The bytes end inside a request."""


def read_all(data: bytes) -> list[Read]:
    """Return the requests up to the first that is bad or not whole, or asks to close."""
    found = []
    try:
        while data := data.lstrip(b"\r\n"):
            read, data, stays = _read(data)
            found.append(read)
            if not stays:
                break
    except (BadRequestError, IncompleteError):
        pass
    return found


def _read(data: bytes) -> tuple[Read, bytes, bool]:
    line = _REQUEST_LINE.match(data)
    if line is None:
        raise BadRequestError
    method, target, version = line.groups()
    headers, at = _fields(data, line.end())
    hosts = _values(headers, b"host")
    if len(hosts) > 1 or (version == b"1.1" and not hosts):
        raise BadRequestError
    if hosts and not _HOST.fullmatch(hosts[0]):
        raise BadRequestError
    target = _target(target, hosts)
    if method in (b"TRACE", b"CONNECT"):
        raise BadRequestError
    body, at = _body(data, at, headers, version)
    connection = b",".join(
        _values(headers, b"connection") + _values(headers, b"proxy-connection")
    ).lower()
    tokens = {token.strip() for token in connection.split(b",")}
    stays = b"close" not in tokens if version == b"1.1" else b"keep-alive" in tokens
    return Read(method, target, headers, body), data[at:], stays


def _fields(data: bytes, at: int) -> tuple[list[tuple[bytes, bytes]], int]:
    fields = []
    while data[at : at + 2] != b"\r\n":
        field = _HEADER.match(data, at)
        if field is None:
            raise BadRequestError
        fields.append((field[1].lower(), field[2].strip(b" \t")))
        at = field.end()
    return fields, at + 2


def _target(target: bytes, hosts: list[bytes]) -> bytes:
    if target.startswith(b"/"):
        if b"#" in target:
            raise BadRequestError
        return target
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None or not hosts or absolute[1].lower() != hosts[0].lower():
        raise BadRequestError
    return absolute[2] if absolute[2].startswith(b"/") else b"/" + absolute[2]


def _body(
    data: bytes, at: int, headers: list[tuple[bytes, bytes]], version: bytes
) -> tuple[bytes, int]:
    lengths = _values(headers, b"content-length")
    codings = _values(headers, b"transfer-encoding")
    if codings:
        if lengths or version != b"1.1" or [one.lower() for one in codings] != [b"chunked"]:
            raise BadRequestError
        return _chunks(data, at)
    if not lengths:
        return b"", at
    if len(lengths) > 1 or not re.fullmatch(rb"[0-9]{1,19}", lengths[0]):
        raise BadRequestError
    end = at + int(lengths[0])
    if end > len(data):
        raise IncompleteError
    return data[at:end], end


def _chunks(data: bytes, at: int) -> tuple[bytes, int]:
    body = b""
    while True:
        line = _CHUNK.match(data, at)
        if line is None:
            raise BadRequestError
        size = int(line[1], 16)
        at = line.end()
        if not size:
            return body, _fields(data, at)[1]
        body += data[at : at + size]
        if data[at + size : at + size + 2] != b"\r\n":
            raise BadRequestError
        at += size + 2


def _values(headers: list[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    return [value for key, value in headers if key == name]
