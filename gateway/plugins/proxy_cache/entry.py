# SPDX-License-Identifier: Apache-2.0
"""A kept response: in the form in which stores have it, and back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import orjson

from gateway.http.headers import Headers
from gateway.http.messages import Response
from gateway.plugins.kept_heads import kept_headers, kept_status, plain_headers
from gateway.plugins.proxy_cache.freshness import delta

VERSION = 1
"""Of this form; a response that was kept in another is forgotten."""
_DROPPED = frozenset(
    b"age connection date keep-alive proxy-authenticate proxy-authorization proxy-connection te "
    b"trailer trailers transfer-encoding upgrade x-cache-key x-cache-status".split()
)
"""Headers of a connection (RFC 9110, 7.6.1), and those that are made anew."""
_REMAINING = b"ratelimit-remaining"


@dataclass(frozen=True, slots=True)
class CachedResponse:
    """Times in seconds; ``stored`` since 1970. ``age``: what it had when it came."""

    status: int
    headers: Headers
    body: bytes
    stored: float
    ttl: int
    age: int = 0
    strict: bool = False

    @classmethod
    def of(cls, response: Response, body: bytes, stored: float, ttl: int, *, strict: bool) -> Self:
        """Make an entry of a response; headers that are for one client only are dropped."""
        age = next((value for name, value in response.headers if name.lower() == b"age"), b"")
        kept = [pair for pair in response.headers if not _is_dropped(pair[0].lower(), body)]
        seconds = delta(age.decode("latin-1"))
        return cls(response.status, kept, body, stored, ttl, seconds, strict)

    def aged(self, now: float, *, with_own: bool = True) -> int:
        """Return the age in whole seconds; ``with_own``: and what it had when it came."""
        return max(0, int(now - self.stored)) + (self.age if with_own else 0)

    def response(self) -> Response:
        """Return it as a response."""
        return Response(self.status, self.headers, self.body, generated=False)

    def pack(self) -> bytes:
        """Return it as bytes: the length of the head, the head as JSON, the body."""
        headers = plain_headers(self.headers)
        head = orjson.dumps(
            [VERSION, self.status, headers, self.stored, self.ttl, self.age, self.strict]
        )
        return len(head).to_bytes(4, "big") + head + self.body

    @classmethod
    def unpack(cls, packed: bytes) -> Self | None:
        """Return what ``pack`` made bytes of; None for another version, and for anything else."""
        end = 4 + int.from_bytes(packed[:4], "big")
        try:
            version, status, headers, *times, strict = orjson.loads(packed[4:end])
            if version != VERSION:
                return None
            stored, ttl, age = map(_number, times)
            head = kept_status(status), kept_headers(headers)
            return cls(*head, packed[end:], stored, int(ttl), int(age), strict is True)
        except (ValueError, TypeError):
            return None

    def as_json(self) -> dict[str, Any]:
        """Return it as the Admin API shows it."""
        return {
            "version": VERSION,
            "status": self.status,
            "headers": {
                name.decode("latin-1"): value.decode("latin-1") for name, value in self.headers
            },
            "body": self.body.decode("utf-8", "replace"),
            "body_len": len(self.body),
            "timestamp": self.stored,
            "ttl": self.ttl,
        }


def pack_names(names: Sequence[str]) -> bytes:
    """Return the names of the headers that tell variants apart as a store has them."""
    return json.dumps(list(names)).encode()


def unpack_names(packed: bytes) -> list[str] | None:
    """Return the names that ``pack_names`` made bytes of; None for anything else."""
    try:
        found = json.loads(packed)
    except ValueError:
        return None
    return [str(name) for name in found] if isinstance(found, list) else None


class Kept:
    """A body on its way to a client that is kept when it came to its end, and is not too long."""

    def __init__(
        self, body: AsyncIterator[bytes], most: int, keep: Callable[[bytes], Awaitable[None]]
    ) -> None:
        self._body = body
        self._most = most
        self._keep = keep
        self._pieces: list[bytes] | None = []
        self._size = 0

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            piece = await anext(self._body)
        except StopAsyncIteration:
            pieces, self._pieces = self._pieces, None
            if pieces is not None:
                await self._keep(b"".join(pieces))
            raise
        if self._pieces is not None:
            self._size += len(piece)
            self._pieces.append(piece)
            if self._size > self._most:
                self._pieces = None
        return piece

    def close(self) -> None:
        """Read no more, and keep nothing."""
        self._pieces = None
        close = getattr(self._body, "close", None)
        if close is not None:
            close()

    async def aclose(self) -> None:
        """The same, for code that closes any iterator."""
        self._pieces = None
        close = getattr(self._body, "aclose", None)
        if close is not None:
            await close()


def _number(value: Any) -> float:
    if type(value) not in (int, float):
        raise ValueError("no number")
    return float(value)


def _is_dropped(name: bytes, body: bytes) -> bool:
    # A response to HEAD keeps the length that it names.
    return name in _DROPPED or _REMAINING in name or (name == b"content-length" and body != b"")
