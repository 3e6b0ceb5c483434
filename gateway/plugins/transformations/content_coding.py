# SPDX-License-Identifier: Apache-2.0
"""Bodies with a Content-Encoding, decoded within bounds (RFC 9110 section 8.4.1)."""

from __future__ import annotations

import zlib

from gateway.errors import UpstreamError
from gateway.http.generated_responses import message_of

_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""zlib's numbers for the formats of gzip (RFC 1952) and zlib (RFC 1950)."""


def can_decode(coding: str) -> bool:
    """Whether bodies of this coding can be read here; in lower case, empty for none."""
    return coding in ("", "identity") or coding in _WINDOWS


def decode(body: bytes, coding: str, largest: int) -> bytes:
    """Return a decoded body; raises ``UpstreamError`` where it is broken or more than allowed."""
    if coding not in _WINDOWS:
        return body
    machine = zlib.decompressobj(_WINDOWS[coding])
    try:
        decoded = machine.decompress(body, largest + 1)
        if coding == "deflate" and not decoded and body:
            raise zlib.error("no data")
    except zlib.error:
        if coding != "deflate":
            raise _broken(f"the response's {coding} is broken") from None
        # Many servers send deflate without the frame of zlib.
        machine = zlib.decompressobj(-15)
        try:
            decoded = machine.decompress(body, largest + 1)
        except zlib.error:
            raise _broken("the response's deflate is broken") from None
    if len(decoded) > largest:
        raise _broken(f"the response has more than {largest} bytes")
    if not machine.eof:
        raise _broken(f"the response's {coding} breaks off")
    return decoded


def _broken(detail: str) -> UpstreamError:
    return UpstreamError(502, message_of(502), detail)
