# SPDX-License-Identifier: Apache-2.0
"""Parts of a multipart/form-data body, with the place of each (RFC 7578, RFC 2046 section 5.1)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from gateway.plugins.key_auth.places import Place, too_many

MOST = 1000
"""Parts looked through: 3 ms."""
_LONGEST = 8192
"""Bytes of a part's head that are read."""
_PARAMETER = re.compile(rb';\s*([^\s=;"]+)\s*=\s*(?:"([^"\\]*(?:\\.[^"\\]*)*)"|([^\s;"]*))')
_DISPOSITION = re.compile(rb"^content-disposition[ \t]*:([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_LINE = re.compile(rb"--|[ \t]*\r?\n")
"""What follows the text of a boundary."""
_LF = 10
_BLANK = re.compile(rb"\n\r?\n")


def parts(body: bytes, content_type: bytes, names: Collection[str]) -> list[Place]:
    """Return the parts under these names, each with the boundary before it.

    Line ends may lack their CR and the closing boundary may be missing: some servers read such a
    body all the same. Raises ``RequestRejected`` (400) for one with too many parts.
    """
    boundary = _parameter(content_type, b"boundary")
    if not boundary:
        return []
    found = []
    for start, head, end in _parts(body, b"--" + boundary):
        # The line end of the delimiter counts: a part may have no headers.
        blank = _BLANK.search(body, head - 1, min(end, head + _LONGEST))
        content = end if blank is None else blank.end()
        name = _name(body[head : min(content, head + _LONGEST)])
        if name in names:
            found.append(Place(name, (_without_line_end(body[content:end]),), start, end))
    return found


def _parts(body: bytes, delimiter: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield where each part's delimiter, its head and the next delimiter begin."""
    before: tuple[int, int] | None = None
    at = 0
    for _ in range(MOST):
        start = body.find(delimiter, at)
        if start < 0:
            break
        at = start + len(delimiter)
        line = _LINE.match(body, at)
        if line is None or (start and body[start - 1] != _LF):
            continue
        if before is not None:
            yield *before, start
        before = start, line.end()
        if line[0] == b"--":
            return
    else:
        raise too_many("parts in its body", MOST)
    if before is not None:
        yield *before, len(body)


def _name(part: bytes) -> str:
    disposition = _DISPOSITION.search(part)
    return (
        "" if disposition is None else _parameter(disposition[1], b"name").decode(errors="replace")
    )


def _parameter(value: bytes, wanted: bytes) -> bytes:
    for name, quoted, bare in _PARAMETER.findall(value):
        if name.lower() == wanted:
            return bytes(quoted or bare)
    return b""


def _without_line_end(content: bytes) -> bytes:
    return content[:-2] if content.endswith(b"\r\n") else content.removesuffix(b"\n")
