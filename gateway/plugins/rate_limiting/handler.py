# SPDX-License-Identifier: Apache-2.0
"""Count a request, or refuse it; tell the client where it stands."""

from __future__ import annotations

from time import time
from typing import Any

from gateway.http.generated_responses import error_response
from gateway.http.messages import Request, Response
from gateway.plugins.base import Handler, PluginContext
from gateway.plugins.rate_limiting.origins import address_of, identify
from gateway.plugins.rate_limiting.periods import Limit


class RateLimiting(Handler):
    """Limits by the node's own counts, which all its workers share and which outlive releases."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        # As in Kong, plugins of equal scope count together: one for a consumer and one for all.
        scope = f"{context.route_id}:{context.service_id}:{config.limit_by}"
        if config.limit_by == "header":
            scope += f":{config.header_name.lower()}"
        self._limits = [
            Limit(scope, period, most, context.counters) for period, most in config.limits().items()
        ]
        self._identify = identify(config)
        self._prefix = context.ipv6_prefix
        self._template = b"" if config.hide_client_headers else _template(self._limits)
        self._only = self._limits[0] if len(self._limits) == 1 else None

    def access(self, request: Request) -> Response | None:
        """Let the request pass and count it, or refuse it and do not."""
        now = time()
        origin = self._identify(request) or address_of(request.client_ip, self._prefix)
        only = self._only
        if only is None:
            return self._several(request, origin, now)
        # The same as for several, in half the time: most have one.
        counter = only.counter(origin, now)
        left = only.most - counter.total() - 1
        if left < 0:
            return self._refuse(request, [0], now)
        counter.add()
        if self._template:
            request.response_lines += self._template % (only.most, left, only.reset(now), left)
        return None

    def _several(self, request: Request, origin: str, now: float) -> Response | None:
        counters = [limit.counter(origin, now) for limit in self._limits]
        left = [
            limit.most - counter.total() - 1
            for limit, counter in zip(self._limits, counters, strict=True)
        ]
        if min(left) < 0:
            return self._refuse(request, [max(0, remaining + 1) for remaining in left], now)
        for counter in counters:
            counter.add()
        if self._template:
            request.response_lines += self._template % self._standing(left, now)
        return None

    def _refuse(self, request: Request, left: list[int], now: float) -> Response:
        standing = self._standing(left, now)
        if self._template:
            request.response_lines += self._template % standing
        wait = [(b"Retry-After", b"%d" % standing[2])]
        return error_response(self.config.error_code, self.config.error_message, request, wait)

    def _standing(self, left: list[int], now: float) -> tuple[int, ...]:
        """Return what the tightest limit is, leaves, and when it ends; then what each leaves."""
        tightest, least = self._limits[0], left[0]
        for limit, remaining in zip(self._limits, left, strict=True):
            # Of equal ones the longest counts: it makes the client wait longer.
            if remaining <= least:
                tightest, least = limit, remaining
        return tightest.most, least, tightest.reset(now), *left


def _template(limits: list[Limit]) -> bytes:
    """Return the lines that tell the client where it stands, for the numbers of ``_standing``."""
    common = b"\r\nRateLimit-Limit: %d\r\nRateLimit-Remaining: %d\r\nRateLimit-Reset: %d"
    return common + b"".join(
        b"\r\nX-RateLimit-Limit-%b: %d\r\nX-RateLimit-Remaining-%b: %%d"
        % (limit.title, limit.most, limit.title)
        for limit in limits
    )
