# SPDX-License-Identifier: Apache-2.0
"""Paths of routes: prefixes in their normal form, and regular expressions (router.md §2, §6)."""

from __future__ import annotations

import re

import re2

from gateway.entities.types import MALFORMED_PERCENT

_RESERVED = frozenset(b"!*'();:@&=+$,/?%#[]")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_PLAIN = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9\-._~]+)*/?")
"""Paths that need no closer look: the usual ones."""

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False


def check_route_path(value: str) -> str:
    """Return what is wrong with a route's path, or an empty string."""
    if value.startswith("~/"):
        return _check_regex(value[1:])
    if not value.startswith("/"):
        return "should start with: / (fixed path) or ~/ (regex path)"
    if _PLAIN.fullmatch(value):
        return ""
    if "//" in value:
        return "must not have empty segments"
    bad = MALFORMED_PERCENT.search(value)
    if bad is not None:
        return f"invalid url-encoded value: '{bad[0]}'"
    normal = normal_form(value)
    return "" if normal == value else f"not normalized path. Suggest: '{normal}'"


def _check_regex(pattern: str) -> str:
    try:
        re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        detail = error.args[0]
        text = detail.decode(errors="replace") if isinstance(detail, bytes) else str(detail)
        return f"invalid regex: '{pattern}' ({text}; look-around and back-references do not exist)"
    return ""


def normal_form(path: str) -> str:
    """Return the form in which requests are matched: decoded, without dot segments."""
    decoded = _ESCAPE.sub(_decode, path.encode())
    return _without_dots(decoded).decode(errors="surrogateescape")


def _decode(found: re.Match[bytes]) -> bytes:
    byte = int(found[1], 16)
    return found[0].upper() if byte in _RESERVED else bytes([byte])


def _without_dots(path: bytes) -> bytes:
    """Remove dot segments as RFC 3986 section 5.2.4 does, never above the root."""
    out: list[bytes] = []
    segments = path.split(b"/")[1:]
    for position, segment in enumerate(segments):
        last = position == len(segments) - 1
        if segment == b"..":
            if out:
                out.pop()
        elif segment != b".":
            out.append(segment)
            continue
        if last:
            out.append(b"")
    return b"/" + b"/".join(out)
