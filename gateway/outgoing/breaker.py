# SPDX-License-Identifier: Apache-2.0
"""An endpoint that does not respond is left alone for a while: nobody waits for it in vain."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

from gateway.errors import OutgoingError
from gateway.outgoing.client import Fetched

T = TypeVar("T")

_OF_THE_REQUEST = frozenset((400, 413, 414, 422, 431))
"""Statuses that say something of one request, which a caller's token may have spoilt."""


class Breaker:
    """Opens with a failure; then one attempt after each pause, which doubles up to ``longest``.

    Pauses are in seconds. Call ``enter`` before an attempt, ``succeeded`` or ``failed`` after it.
    """

    def __init__(
        self,
        first: float = 1.0,
        longest: float = 30.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._first = first
        self._longest = longest
        self._clock = clock
        self._pause = 0.0
        self._again = 0.0
        self._reason = ""

    def enter(self) -> None:
        """Return if an attempt may be made; raises ``OutgoingError`` with the last reason."""
        if not self._pause:
            return
        now = self._clock()
        if now < self._again:
            raise OutgoingError(self._reason)
        # This one tries; the others wait for what it finds.
        self._again = now + self._pause

    async def ask(self, fetch: Callable[[], Awaitable[Fetched]], read: Callable[[Fetched], T]) -> T:
        """Make an attempt, and return what ``read`` makes of the response.

        Raises ``OutgoingError``, of either or because no attempt may be made. A response that only
        refuses this request does not open it: callers could shut each other out else.
        """
        self.enter()
        response = None
        try:
            response = await fetch()
            found = read(response)
        except OutgoingError as error:
            if response is not None and response.status in _OF_THE_REQUEST:
                self.succeeded()
            else:
                self.failed(str(error))
            raise
        self.succeeded()
        return found

    def succeeded(self) -> None:
        """Close: the endpoint responds."""
        self._pause = 0.0

    def failed(self, reason: str) -> None:
        """Open, or stay open for longer."""
        self._pause = min(self._longest, self._pause * 2 or self._first)
        self._again = self._clock() + self._pause
        self._reason = reason
