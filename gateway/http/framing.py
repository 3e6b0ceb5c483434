# SPDX-License-Identifier: Apache-2.0
"""Where a request body ends: by Content-Length, or chunked (RFC 9112 sections 6 and 7.1).

One of these is made for a message whose body is still coming, and dropped with it.
"""

from __future__ import annotations

import re

from gateway.http.checks import bad_request

Taken = tuple[bytes, int, bool]
"""A piece of the body, where the bytes behind it begin, and whether the body is complete."""

_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n")
_SIZE_BEGUN = re.compile(rb"(?:[0-9A-Fa-f]{1,16}(?:;[\t\x20-\x7e\x80-\xff]*)?)?\r?")
_TRAILER = re.compile(rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*)?\r\n")
_TRAILER_BEGUN = re.compile(rb"(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+(?::[\t\x20-\x7e\x80-\xff]*)?)?\r?")
_LONGEST_LINE = 8192
_PIECES = 128
"""Most lines and pieces of chunks taken at once: a body of tiny ones takes long to read."""
_OVERHEAD = 32768
"""Bytes of chunk framing, extensions and trailers allowed beyond 16 for each byte of body."""


class Counted:
    """A body of as many bytes as Content-Length says."""

    __slots__ = ("_left",)

    def __init__(self, length: int) -> None:
        self._left = length

    def take(self, data: bytes, at: int) -> Taken:
        """Take what is there of the body from ``at`` on."""
        piece = data[at : at + self._left]
        self._left -= len(piece)
        return piece, at + len(piece), not self._left


class Chunked:
    """A chunked body. Extensions and trailers are checked and dropped.

    No white space around sizes, no bare line feeds: what another hop could read differently is
    refused, with ``ProtocolError`` (400).
    """

    __slots__ = ("_behind", "_held", "_left", "_overhead", "_size", "_trailers")

    def __init__(self) -> None:
        self._held = b""
        """The beginning of a line whose end has not come."""
        self._left = 0
        """Bytes of the chunk at hand that have not come."""
        self._behind = False
        """The line end behind a chunk's bytes comes next."""
        self._trailers = False
        """The last chunk has come."""
        self._size = 0
        self._overhead = 0

    def take(self, data: bytes, at: int) -> Taken:
        """Take what is there of the body from ``at`` on, up to a number of chunks; joined."""
        held, self._held = self._held, b""
        start = at - len(held)
        if held:
            data, at = held + data[at:], 0
        else:
            start = 0
        pieces: list[bytes] = []
        done = False
        for _ in range(_PIECES):
            if at >= len(data) or done:
                break
            if self._left:
                piece = data[at : at + self._left]
                at += len(piece)
                self._left -= len(piece)
                self._behind = not self._left
                self._size += len(piece)
                pieces.append(piece)
                continue
            end, done = self._line(data, at)
            self._overhead += (end or len(data)) - at
            if self._overhead > 16 * self._size + _OVERHEAD:
                raise bad_request()
            if not end:
                self._held = data[at:]
                self._overhead -= len(self._held)
            at = end or len(data)
        return b"".join(pieces), start + at, done

    def _line(self, data: bytes, at: int) -> tuple[int, bool]:
        """Read a line of framing; return its end (0: not there yet) and whether it was the last."""
        if self._behind:
            if data.startswith(b"\r\n", at):
                self._behind = False
                return at + 2, False
            if data[at:] == b"\r":
                return 0, False
            raise bad_request()
        line = (_TRAILER if self._trailers else _SIZE).match(data, at)
        if line is None:
            begun = (_TRAILER_BEGUN if self._trailers else _SIZE_BEGUN).fullmatch(data, at)
            if begun is None or len(data) - at > _LONGEST_LINE:
                raise bad_request()
            return 0, False
        if self._trailers:
            return line.end(), line.end() - at == 2
        self._left = int(line[1], 16)
        self._trailers = not self._left
        return line.end(), False
