# SPDX-License-Identifier: Apache-2.0
"""How long to wait before something that ended is started again."""

from __future__ import annotations

_FIRST, _LONGEST = 0.25, 30.0
_SETTLED = 30.0


class Backoff:
    """The first start again is at once, the next ones wait 0.25, 0.5, 1, … up to 30 seconds.

    A process that lived for 30 seconds counts as healthy: the next start is a first one again.
    """

    def __init__(self) -> None:
        self._failures = 0

    def delay(self, lived: float) -> float:
        """Return the seconds to wait, given for how many seconds the last one lived."""
        if lived >= _SETTLED:
            self._failures = 0
        self._failures += 1
        if self._failures == 1:
            return 0.0
        return float(min(_LONGEST, _FIRST * 2 ** (self._failures - 2)))
