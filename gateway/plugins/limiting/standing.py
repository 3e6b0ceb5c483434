# SPDX-License-Identifier: Apache-2.0
"""Where a client stands with its limits: the header lines that say so, with Kong's names."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.plugins.limiting.periods import Limit


class StandingLines:
    """The lines for limits by periods; ``hidden``: there are none."""

    def __init__(self, limits: Sequence[Limit], *, hidden: bool) -> None:
        self._limits = limits
        whole = all(limit.limit == limit.most for limit in limits)
        # Kong's Lua writes numbers so: whole ones without a point.
        self.form = b"%d" if whole else b"%.14g"
        self.template = b"" if hidden else self._template()

    def _template(self) -> bytes:
        common = b"\r\nRateLimit-Limit: %b\r\nRateLimit-Remaining: %b\r\nRateLimit-Reset: %%d" % (
            self.form,
            self.form,
        )
        return common + b"".join(
            b"\r\nX-RateLimit-Limit-%b: %b\r\nX-RateLimit-Remaining-%b: %b"
            % (limit.title, self.form % limit.limit, limit.title, self.form)
            for limit in self._limits
        )

    def of_second(self, reset: int) -> bytes:
        """Return a template of an only limit, of whole ones, for twice what is left.

        What does not change within a second is written already: half of the template's time.
        """
        limit, remaining, until, title, end = self.template.split(self.form)
        first = limit + self.form % self._limits[0].limit + remaining
        return b"%b%%d%b%d%b%%d%b" % (first, until, reset, title, end)

    def of(self, left: Sequence[float], now: float) -> tuple[int, bytes]:
        """Return in how many seconds the tightest limit ends, and the lines."""
        tightest, least = self._limits[0], left[0]
        for limit, remaining in zip(self._limits, left, strict=True):
            # Of equal ones the longest counts: it makes the client wait longer.
            if remaining <= least:
                tightest, least = limit, remaining
        reset = tightest.reset(now)
        if not self.template:
            return reset, b""
        return reset, self.template % (tightest.limit, least, reset, *left)
