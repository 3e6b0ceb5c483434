# SPDX-License-Identifier: Apache-2.0
"""Request paths as they are compared, and upstream paths as they are sent; all on bytes.

Comparing happens on the normal form: percent-decoded except for reserved characters, dot segments
removed (RFC 3986 section 5.2.4), runs of slashes merged. Sending re-encodes what may not stand in a
request line. Neither ever decodes to text, so bytes that are not UTF-8 survive unharmed.
"""

from __future__ import annotations

import re

_RESERVED = frozenset(b"!*'();:@&=+$,/?%#[]")
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_SLASHES = re.compile(rb"//+")
_DECODED = {
    f"{byte:02x}".encode(): b"%%%02X" % byte if byte in _RESERVED else bytes((byte,))
    for byte in range(256)
}
_SENDABLE = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~%!#$&'()*+,/:;=?@[]"
_UNSENDABLE = re.compile(b"[^" + re.escape(_SENDABLE) + b"]")
_HIDDEN_DOTS = re.compile(rb"(?:^|[/\\;])\.\.?(?:$|[/\\;?#\x00])")
_MAY_HIDE_DOTS = re.compile(rb"[%;\\\x00-\x1f]")
_SKIPPED = b"\t\n\r"
"""What parsers of URLs drop wherever it stands (WHATWG URL section 4.4): also between dots."""
_ANY_ESCAPE = re.compile(rb"%(?:25)*(?:u00)?([0-9A-Fa-f]{2})")
_ROUNDS = 4
"""How often an upstream may decode a path that is looked through for dot segments."""


def normalise(path: bytes, *, merge: bool = True) -> bytes:
    """Return the normal form of a request path without query; ``merge`` joins runs of slashes."""
    if b"%" in path:
        path = _ESCAPE.sub(_decode, path)
    if b"/." in path or path[:1] == b".":
        path = _remove_dot_segments(path)
    if merge and b"//" in path:
        path = _SLASHES.sub(b"/", path)
    return path


def may_hide_dots(path: bytes) -> bool:
    """Tell quickly whether a path could be one for ``hides_dots``: few are."""
    return _MAY_HIDE_DOTS.search(path) is not None


def hides_dots(path: bytes) -> bool:
    """Tell whether an upstream may find a dot segment in a normalised path, where we see none.

    Servers differ in what ends a segment: many decode ``%2F`` or take a backslash for a slash, some
    cut a segment at its semicolon (RFC 3986 section 3.3) or the path at a NUL, some decode
    twice. To such a server ``/open/..%2Fsecret`` or ``/open/..;/secret`` is ``/secret``, which
    another route may guard.
    """
    for _ in range(_ROUNDS):
        if _HIDDEN_DOTS.search(path.translate(None, _SKIPPED)):
            return True
        before, path = path, _ANY_ESCAPE.sub(_decode_all, path)
        if path == before:
            return False
    return _HIDDEN_DOTS.search(path.translate(None, _SKIPPED)) is not None


def is_text(path: bytes) -> bool:
    """Tell whether the bytes are valid UTF-8: other paths match no route."""
    if path.isascii():
        return True
    try:
        path.decode()
    except UnicodeDecodeError:
        return False
    return True


def escape(path: bytes) -> bytes:
    """Percent-encode, byte by byte, all that may not be sent upstream as it is."""
    if not path.translate(None, _SENDABLE):
        return path
    return _UNSENDABLE.sub(_encode, path)


def _decode(found: re.Match[bytes]) -> bytes:
    return _DECODED[found[1].lower()]


def _decode_all(found: re.Match[bytes]) -> bytes:
    return bytes((int(found[1], 16),))


def _encode(found: re.Match[bytes]) -> bytes:
    return b"%%%02X" % found[0][0]


def _remove_dot_segments(path: bytes) -> bytes:
    root = path[:1] == b"/"
    segments = path.split(b"/")[root:]
    kept: list[bytes] = []
    for segment in segments:
        if segment == b"..":
            if kept:
                kept.pop()
        elif segment != b".":
            kept.append(segment)
    if segments[-1] in (b".", b".."):
        kept.append(b"")
    return (b"/" if root else b"") + b"/".join(kept)
