# SPDX-License-Identifier: Apache-2.0
"""An endpoint that does not respond is left alone for a while: nobody waits for it in vain."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from gateway.errors import OutgoingError


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

    def succeeded(self) -> None:
        """Close: the endpoint responds."""
        self._pause = 0.0

    def failed(self, reason: str) -> None:
        """Open, or stay open for longer."""
        self._pause = min(self._longest, self._pause * 2 or self._first)
        self._again = self._clock() + self._pause
        self._reason = reason
