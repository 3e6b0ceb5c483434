# SPDX-License-Identifier: Apache-2.0
"""API keys in bodies: finding them, and taking them out without changing anything else."""

from __future__ import annotations

import json
from collections.abc import Collection

from gateway.plugins.key_auth import multipart, objects
from gateway.plugins.key_auth.places import Arguments, Place, cut

_FORM = b"application/x-www-form-urlencoded"
_JSON = b"application/json"
_MULTIPART = b"multipart/form-data"


class Bodies:
    """Looks for fields by name in forms, JSON objects and multipart bodies.

    A body of another type, or a broken one, has none. The methods raise ``RequestRejected`` (400)
    for one that cannot be looked through in good time.
    """

    def __init__(self, names: Collection[str]) -> None:
        self._names = frozenset(names)
        self._plain = [name.encode() for name in self._names]
        self._arguments = Arguments(names)

    def places(self, body: bytes, content_type: bytes | None) -> list[Place]:
        """Return the fields."""
        kind = _kind(content_type)
        if kind == _FORM:
            return self._arguments.places(body)
        if kind == _MULTIPART:
            return multipart.parts(body, content_type or b"", self._names)
        decoded = _text(body) if kind == _JSON and self._may_be_in(body) else None
        return [] if decoded is None else objects.members(decoded[0], self._names)

    def _may_be_in(self, body: bytes) -> bool:
        """Tell whether JSON may hold one of the names: most does not, and reading it takes long.

        They are there as they are, unless a letter is escaped or the encoding is not UTF-8, which
        shows in the first bytes (RFC 4627 section 3).
        """
        if b"\\u00" in body or b"\0" in body[:4]:
            return True
        return any(name in body for name in self._plain)

    def without(self, body: bytes, content_type: bytes | None) -> bytes:
        """Return the body without the fields."""
        places = self.places(body, content_type)
        if not places:
            return body
        decoded = _text(body) if _kind(content_type) == _JSON else None
        if decoded is None:
            return cut(body, places)
        text, encoding = decoded
        return cut(text, places).encode(encoding, "surrogatepass")


def _kind(content_type: bytes | None) -> bytes:
    """Return which of the types it is: by prefix, as Kong does it."""
    given = (content_type or b"").strip().lower()
    return next((kind for kind in (_FORM, _JSON, _MULTIPART) if given.startswith(kind)), b"")


def _text(body: bytes) -> tuple[str, str] | None:
    """Return JSON as text, and its encoding: some servers take UTF-16 (RFC 4627 section 3)."""
    encoding = json.detect_encoding(body)
    try:
        return body.decode(encoding, "surrogatepass"), encoding
    except UnicodeDecodeError:
        return None
