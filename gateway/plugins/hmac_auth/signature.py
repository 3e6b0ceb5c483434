# SPDX-License-Identifier: Apache-2.0
"""The header that holds a signature, the text that is signed, and the time that it names.

The form is that of Kong, after draft-cavage-http-signatures.
"""

from __future__ import annotations

import hmac
import re
from base64 import b64decode
from binascii import Error
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

import re2

from gateway.http.messages import Request

_LONGEST = 8192
"""Bytes of a header that is read."""
_MOST_NAMES = 200
"""Names in it."""
_LARGEST = 128 * 1024
"""Bytes of a text that is signed: a name may stand there often, and mean a long header."""
_FORM = re2.compile(
    rb'\s*[Hh]mac\s*username="(.+)",\s*algorithm="(.+)",\s*headers="(.+)",\s*signature="([^"]+)"\s*'
)
_MONTHS = b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_CLOCK = rb"(\d\d):(\d\d):(\d\d)"
_FIXED = re.compile(rb"[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) " + _CLOCK + rb" GMT")
_RFC850 = re.compile(rb"[A-Z][a-z]+, (\d\d)-([A-Z][a-z]{2})-(\d\d) " + _CLOCK + rb" GMT")
_ASCTIME = re.compile(rb"[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) " + _CLOCK + rb" (\d{4})")


class Signature(NamedTuple):
    """What the header holds."""

    username: bytes
    algorithm: bytes
    names: list[bytes]
    """Of the headers that are signed, as the client writes them and in its order."""
    text: bytes
    """The signature in base64."""


def read(value: bytes | None) -> Signature | None:
    """Return what a header holds; None when it is absent or of another form.

    All four parts must stand there, in this order, and nothing else.
    """
    if value is None or len(value) > _LONGEST:
        return None
    match = _FORM.fullmatch(value)
    if match is None or len(names := match[3].split()) > _MOST_NAMES:
        return None
    return Signature(match[1], match[2], names, match[4])


def fits(signature: Signature, secret: str, request: Request) -> bool:
    """Tell, in constant time, whether the secret signs the request so."""
    try:
        shown = b64decode(signature.text, validate=True)
    except Error:
        return False
    text = signed_text(request, signature.names)
    if text is None:
        return False
    digest = signature.algorithm.removeprefix(b"hmac-").decode()
    expected = hmac.digest(secret.encode(), text, digest)
    return hmac.compare_digest(expected, shown)


def signed_text(request: Request, names: list[bytes]) -> bytes | None:
    """Return what the client must have signed: a line for each name; None if it were too long.

    A header is ``name: value``, one that is absent ``name:``. ``request-line`` is the request's
    line as it came, ``@request-target`` method and target, which stay through a proxy that speaks
    another version of HTTP; a header of that name counts first.
    """
    lines = []
    length = 0
    for name in names:
        lines.append(_line(request, name))
        length += len(lines[-1])
        if length > _LARGEST:
            return None
    return b"\n".join(lines)


def _line(request: Request, name: bytes) -> bytes:
    value = request.header(name.lower())
    if value is not None:
        return b"%b: %b" % (name, value)
    target = request.original_target or request.target
    if name == b"@request-target":
        return b"%b: %b %b" % (name, request.method.lower(), target)
    if name == b"request-line":
        return b"%b %b HTTP/%b" % (request.method, target, request.version.encode())
    return name + b":"


@lru_cache(maxsize=256)
def time_of(value: bytes) -> float | None:
    """Return a date of HTTP in seconds since 1970 (RFC 9110 section 5.6.7); None for another."""
    if match := _FIXED.fullmatch(value):
        day, month, year, *clock = match.groups()
    elif match := _RFC850.fullmatch(value):
        day, month, year, *clock = match.groups()
        year = b"%d" % (2000 + int(year) if int(year) < 70 else 1900 + int(year))
    elif match := _ASCTIME.fullmatch(value):
        month, day, *clock, year = match.groups()
    else:
        return None
    try:
        hour, minute, second = map(int, clock)
        # A leap second, which datetime does not know, is the second before.
        at = (int(year), _MONTHS.index(month) + 1, int(day), hour, minute, min(second, 59))
        return datetime(*at, tzinfo=UTC).timestamp()
    except ValueError:
        return None
