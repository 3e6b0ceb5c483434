# SPDX-License-Identifier: Apache-2.0
"""From when until when a token is good, by the claims of it that are verified."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from gateway.plugins.tokens.verified import ALWAYS

Problems = tuple[tuple[str, str], ...]


class Times:
    """Which times are verified; ``longest``: seconds that a token may be good for, 0 for any."""

    def __init__(self, claims: Collection[str], longest: float) -> None:
        self._exp = "exp" in claims
        self._nbf = "nbf" in claims
        self._longest = longest

    def of(self, claims: Mapping[str, Any], now: float) -> tuple[float, float, Problems]:
        """Return when a token begins and ends, in seconds since 1970, and what is wrong now.

        There is no leeway, and only whole seconds of the clock count.
        """
        begins, ends = -ALWAYS, ALWAYS
        wrong: dict[str, str] = {}
        now = int(now)
        if self._exp:
            end = _number(claims.get("exp"))
            if end is None:
                wrong["exp"] = "must be a number"
            elif end <= now:
                wrong["exp"] = "token expired"
            else:
                ends = end
        if self._nbf:
            begin = _number(claims.get("nbf"))
            if begin is None:
                wrong["nbf"] = "must be a number"
            elif begin > now:
                wrong["nbf"] = "token not valid yet"
            else:
                begins = begin
        if self._longest > 0 and not wrong:
            if ends - now > self._longest:
                wrong["exp"] = "exceeds maximum allowed expiration"
            begins = max(begins, ends - self._longest)
        return begins, ends, tuple(wrong.items())


def _number(value: Any) -> float | None:
    """Return a number of JSON; None for all else, ``true`` included."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
