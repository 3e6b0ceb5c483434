# SPDX-License-Identifier: Apache-2.0
"""Changes of a multipart form (RFC 7578): the parts that are not named stay byte by byte."""

from __future__ import annotations

from gateway.errors import BodyUnreadable, RequestRejected
from gateway.plugins.produce.body import boundary_of, part_name
from gateway.plugins.transformations.arguments import Changes
from gateway.plugins.transformations.templates import Rendering

_MOST = 1000


class Parts:
    """The parts of a form with their names; raises ``BodyUnreadable`` for what is no form."""

    def __init__(self, body: bytes, content_type: bytes) -> None:
        self._delimiter = b"\r\n--" + boundary_of(content_type)
        if body.count(self._delimiter) > _MOST:
            raise RequestRejected(400, f"the request has more than {_MOST} parts")
        pieces = (b"\r\n" + body).split(self._delimiter)
        if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
            raise BodyUnreadable("the body does not end with its boundary")
        self._parts = [(_name(piece), piece) for piece in pieces[1:-1]]
        self._end = pieces[-1]

    def has(self, name: str) -> bool:
        """Whether there is a part of this name."""
        return any(found == name for found, _ in self._parts)

    def remove(self, name: str) -> None:
        """Remove all parts of a name."""
        self._parts = [part for part in self._parts if part[0] != name]

    def add(self, name: str, value: bytes) -> None:
        """Add a part."""
        quoted = name.replace("\\", "\\\\").replace('"', '\\"').encode()
        head = b'\r\nContent-Disposition: form-data; name="%b"\r\n\r\n' % quoted
        self._parts.append((name, head + value))

    def rename(self, old: str, new: str) -> None:
        """Give the first part of a name another, in the place of those that have it."""
        found = next((raw for name, raw in self._parts if name == old), None)
        if found is not None and old != new:
            self.remove(new)
            self.remove(old)
            self.add(new, found.partition(b"\r\n\r\n")[2])

    def encode(self) -> bytes:
        """Return the form."""
        body = b"".join([self._delimiter + raw for _, raw in self._parts])
        return (body + self._delimiter + self._end)[2:]


def change_parts(body: bytes, content_type: bytes, made: Changes, rendering: Rendering) -> bytes:
    """Return a form with the changes, in the order of Kong: rename, remove, replace, add."""
    parts = Parts(body, content_type)
    for old, new in made.rename:
        parts.rename(old, new)
    for name in made.remove:
        parts.remove(name)
    for name, value in made.replace:
        content = value(rendering)
        if parts.has(name):
            parts.remove(name)
            parts.add(name, content)
    for name, value in made.add:
        content = value(rendering)
        if not parts.has(name):
            parts.add(name, content)
    return parts.encode()


def _name(piece: bytes) -> str | None:
    return part_name(piece.partition(b"\r\n\r\n")[0])
