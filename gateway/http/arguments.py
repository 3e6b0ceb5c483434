# SPDX-License-Identifier: Apache-2.0
"""Query and form arguments as Kong decodes them (lua-nginx-module, ngx.req.get_uri_args)."""

from __future__ import annotations

import re
from binascii import a2b_qp
from urllib.parse import unquote_to_bytes

MOST = 100
"""Arguments after this many are dropped."""

Argument = str | bool
Arguments = dict[str, Argument | list[Argument]]


def parse(encoded: bytes | None) -> Arguments:
    """Return decoded names and values.

    ``a=1`` is "1", ``a=`` is "", ``a`` alone is True, repeated names make a list in order. A plus
    sign is a space; wrong percent escapes stay as they are. Bytes that are no UTF-8 become U+FFFD.
    """
    found: Arguments = {}
    if not encoded:
        return found
    for pair in encoded.split(b"&", MOST)[:MOST]:
        if not pair:
            continue
        name, equals, value = pair.partition(b"=")
        if not name and not equals:
            continue
        _add(found, decode(name), decode(value) if equals else True)
    return found


def first(encoded: bytes | None, name: bytes) -> bytes | None:
    """Return the first value of an argument byte by byte, UTF-8 or not; None when it has none."""
    if not encoded:
        return None
    for pair in encoded.split(b"&", MOST)[:MOST]:
        raw, equals, value = pair.partition(b"=")
        if decode_bytes(raw) == name and (raw or equals):
            return decode_bytes(value) if equals else None
    return None


def decode(part: bytes) -> str:
    """Return a percent-decoded part as text."""
    return decode_bytes(part).decode("utf-8", "replace")


def decode_bytes(part: bytes) -> bytes:
    """Return a percent-decoded part; wrong escapes stay as they are."""
    if b"+" in part:
        part = part.replace(b"+", b" ")
    if b"%" not in part:
        return part
    if len(part) > _LONG and _only_right(part):
        # Quoted-printable, which is decoded in C, has the same escapes behind an equals sign.
        return a2b_qp(part.replace(b"=", b"=3D").replace(b"%", b"="))
    return unquote_to_bytes(part)


_LONG = 1000
_only_right = re.compile(rb"(?:[^%\r\n]++|%[0-9A-Fa-f]{2})*+").fullmatch
"""No wrong escapes, and no line ends, which quoted-printable takes for its own."""


def _add(found: Arguments, name: str, value: Argument) -> None:
    before = found.get(name)
    if before is None:
        found[name] = value
    elif isinstance(before, list):
        before.append(value)
    else:
        found[name] = [before, value]
