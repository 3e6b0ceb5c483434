# SPDX-License-Identifier: Apache-2.0
"""Header lines that access handlers add to whatever the response will be (``response_lines``).

They take the place of headers of the same names: the upstream's, and those of handlers before.
"""

from __future__ import annotations

from gateway.http.messages import Request, Response


def joined(before: bytes, lines: bytes) -> bytes:
    """Return lines behind others; of those before, what has the same names goes."""
    names = _names(lines)
    kept = [line for line in before.split(b"\r\n") if line and _name(line) not in names]
    return b"".join([b"\r\n" + line for line in kept]) + lines


def make_way(request: Request, response: Response) -> None:
    """Remove from a response the headers that the request's lines stand for."""
    names = _names(request.response_lines)
    if any(name.lower() in names for name, _ in response.headers):
        response.headers = [pair for pair in response.headers if pair[0].lower() not in names]


def become_headers(request: Request, response: Response) -> None:
    """Make headers of the request's lines, for filters to see and to change."""
    make_way(request, response)
    for line in request.response_lines.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name:
            response.headers.append((name, value.strip()))
    request.response_lines = b""


def _names(lines: bytes) -> set[bytes]:
    return {_name(line) for line in lines.split(b"\r\n") if line}


def _name(line: bytes) -> bytes:
    return line.partition(b":")[0].lower()


def drop_length(response: Response) -> None:
    """Take Content-Length away: how long the body will be is not known."""
    response.headers = [pair for pair in response.headers if pair[0].lower() != b"content-length"]
