# SPDX-License-Identifier: Apache-2.0
"""What plugins change of a request: the upstream and the record both get it so.

Nothing that comes from a client can become a line of the head: line ends in values turn into
spaces, and a path is escaped.
"""

from __future__ import annotations

import re

from gateway.http.headers import spellings
from gateway.http.messages import Request

_CONTROLS = bytes.maketrans(b"\r\n\0", b"   ")
_LENGTH = b"content-length"
_FRAMING = frozenset((_LENGTH, b"transfer-encoding"))
_UNSENDABLE = re.compile(rb"[\x00-\x20\x7f#]")


def as_value(value: bytes) -> bytes:
    """Return what may stand in a header: no line ends, no NUL, no blanks around it."""
    return value.translate(_CONTROLS).strip(b" \t")


def set_method(request: Request, method: bytes) -> None:
    """Send the request with another method; the response is still one to the client's."""
    request.upstream_method = method


def set_path(request: Request, path: bytes) -> None:
    """Send the request to another path than service and route give; the query stays."""
    path = _UNSENDABLE.sub(_encode, path)
    request.upstream_path = path if path[:1] == b"/" else b"/" + path
    _set_target(request)


def set_query(request: Request, query: bytes | None) -> None:
    """Replace the query, which is encoded; None or nothing: none."""
    request.query = _UNSENDABLE.sub(_encode, query) if query else None
    _set_target(request)


def set_body(request: Request, body: bytes) -> None:
    """Replace a body that is there as a whole, and say how long it is."""
    request.body = body
    request.stream = None
    length = (_LENGTH, b"%d" % len(body))
    kept = [pair for pair in request.headers if pair[0] not in _FRAMING]
    if body or len(kept) < len(request.headers):
        kept.append(length)
    request.headers = kept


def set_host(request: Request, host: bytes) -> None:
    """Send another Host, whatever the route preserves."""
    host = as_value(host)
    request.upstream_host = host
    kept = [pair for pair in request.headers if pair[0] != b"host"]
    request.headers = [*kept, (b"host", host)]


def remove_headers(request: Request, *names: bytes) -> None:
    """Remove all values of headers, in either spelling; names in lower case."""
    gone = {spelling for name in names for spelling in spellings(name)}
    request.headers = [pair for pair in request.headers if pair[0] not in gone]


def _encode(found: re.Match[bytes]) -> bytes:
    return b"%%%02X" % found[0][0]


def _set_target(request: Request) -> None:
    path = request.upstream_path or request.path
    request.retarget(path if request.query is None else b"%b?%b" % (path, request.query))
