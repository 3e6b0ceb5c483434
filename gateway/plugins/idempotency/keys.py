# SPDX-License-Identifier: Apache-2.0
"""Idempotency keys: how a client writes them, and what makes two requests the same."""

from __future__ import annotations

import re
from hashlib import sha256

from gateway.errors import RequestRejected
from gateway.http.messages import Request

_QUOTED = re.compile(rb'"((?:[ !#-\[\]-~]|\\["\\])*)"')
"""A string of structured fields (RFC 9651, 3.3.3)."""
_BARE = re.compile(rb"[!#-+\--:<-~]+")
"""What many clients send instead: visible characters without quotes, commas and semicolons."""


def read_key(values: list[bytes], name: str, longest: int) -> bytes:
    """Return the key of a request's header lines, quoted or bare.

    Raises ``RequestRejected`` (400) for several lines, other characters, nothing, or too much.
    """
    if len(values) > 1:
        raise RequestRejected(400, f"{name} is there {len(values)} times; send it once")
    value = values[0].strip()
    quoted = _QUOTED.fullmatch(value)
    if quoted is not None:
        key = re.sub(rb"\\(.)", rb"\1", quoted[1])
    elif _BARE.fullmatch(value):
        key = value
    else:
        text = "a quoted string, or visible ASCII characters without quote, comma and semicolon"
        raise RequestRejected(400, f"{name} is malformed; send {text}")
    if not 1 <= len(key) <= longest:
        raise RequestRejected(
            400, f"{name} has {len(key)} characters; send 1 to {longest}, a UUID for instance"
        )
    return key


def store_key(request: Request, key: bytes) -> str:
    """Return under what a request's answer is kept: route, caller and key decide."""
    match = request.match
    route = "" if match is None else match.route["id"]
    parts = (route.encode(), _caller(request), key)
    return "idempotency:" + _digest(*parts).hex()


def mark(request: Request) -> bytes:
    """Return a digest of all that must be equal for two requests to be the same."""
    content_type = request.header(b"content-type") or b""
    return _digest(request.method, _host(request), request.target, content_type, request.body)


def _host(request: Request) -> bytes:
    """Return the host where it decides what is asked for: a client may try another node's."""
    route = {} if request.match is None else request.match.route
    if not (route.get("hosts") or route.get("preserve_host")):
        return b""
    return (request.host or b"").lower()


def _caller(request: Request) -> bytes:
    """Return the consumer's or the credential's id; empty for callers nobody has identified."""
    for kind, owner in ((b"consumer ", request.consumer), (b"credential ", request.credential)):
        if owner is not None:
            number = owner.get("id") if hasattr(owner, "get") else getattr(owner, "id", None)
            return kind + str(number if number is not None else owner).encode()
    return b""


def _digest(*parts: bytes) -> bytes:
    digest = sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()
