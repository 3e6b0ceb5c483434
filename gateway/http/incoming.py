# SPDX-License-Identifier: Apache-2.0
"""A request whose body is still coming."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gateway.http.framing import Chunked, Counted
from gateway.http.messages import Request, Response

if TYPE_CHECKING:
    from gateway.http.stream import Channel


def drop(piece: bytes) -> None:
    """Drop a piece of a body that is not wanted."""


class Incoming:
    """All that a connection knows of a message under way: made for it, dropped with it."""

    __slots__ = (
        "_seen",
        "_since",
        "awaits_continue",
        "channel",
        "framing",
        "limit",
        "outcome",
        "pieces",
        "request",
        "size",
        "take",
    )

    def __init__(
        self, request: Request, outcome: int | Response, length: int, limit: int, now: float
    ) -> None:
        self.request = request
        self.outcome = outcome
        """What ``begin`` said."""
        self.framing: Chunked | Counted = Chunked() if length < 0 else Counted(length)
        self.limit = limit
        self.size = 0
        """Bytes of body that have come."""
        self.take: Callable[[bytes], None] = drop
        self.pieces: list[bytes] | None = None
        self.channel: Channel | None = None
        self.awaits_continue = False
        """The client waits for 100 Continue, which was not sent yet."""
        self.watch(now)

    def watch(self, now: float) -> None:
        """Begin to measure how fast the body comes."""
        self._since = now
        self._seen = self.size

    def starves(self, now: float, rate: int, period: float) -> bool:
        """Tell whether less than ``rate`` bytes a second came over a period of seconds."""
        elapsed = now - self._since
        if not rate or elapsed < period:
            return False
        slow = self.size - self._seen < rate * elapsed
        self.watch(now)
        return slow
