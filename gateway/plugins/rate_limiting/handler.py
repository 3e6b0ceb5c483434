# SPDX-License-Identifier: Apache-2.0
"""Count a request, or refuse it; tell the client where it stands."""

from __future__ import annotations

from collections.abc import Callable
from time import time
from typing import Any

from gateway.http.answers import answer
from gateway.http.messages import Request, Response
from gateway.plugins.base import Handler, PluginContext
from gateway.plugins.rate_limiting.periods import Limit

Identify = Callable[[Request], str | None]


class RateLimiting(Handler):
    """Limits by the node's own counts, which all its workers share and which outlive releases."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        # As in Kong, plugins of equal scope count together: one for a consumer and one for all.
        scope = f"{context.route_id}:{context.service_id}:{config.limit_by}"
        self._limits = [
            Limit(scope, period, most, context.tally) for period, most in config.limits().items()
        ]
        self._identify = _identify(config)
        self._template = b"" if config.hide_client_headers else _template(self._limits)
        self._only = self._limits[0] if len(self._limits) == 1 else None

    def access(self, request: Request) -> Response | None:
        """Let the request pass and count it, or refuse it and do not."""
        now = time()
        origin = self._identify(request) or request.client_ip
        only = self._only
        if only is None:
            return self._several(request, origin, now)
        # The same as for several, in half the time: most have one.
        cell = only.cell(origin, now)
        left = only.most - cell.total() - 1
        if left < 0:
            return self._refuse(request, [0], now)
        cell.add()
        if self._template:
            request.answer_lines += self._template % (only.most, left, only.reset(now), left)
        return None

    def _several(self, request: Request, origin: str, now: float) -> Response | None:
        cells = [limit.cell(origin, now) for limit in self._limits]
        left = [
            limit.most - cell.total() - 1 for limit, cell in zip(self._limits, cells, strict=True)
        ]
        if min(left) < 0:
            return self._refuse(request, [max(0, remaining + 1) for remaining in left], now)
        for cell in cells:
            cell.add()
        if self._template:
            request.answer_lines += self._template % self._told(left, now)
        return None

    def _refuse(self, request: Request, left: list[int], now: float) -> Response:
        told = self._told(left, now)
        if self._template:
            request.answer_lines += self._template % told
        wait = [(b"Retry-After", b"%d" % told[2])]
        return answer(self.config.error_code, self.config.error_message, request, wait)

    def _told(self, left: list[int], now: float) -> tuple[int, ...]:
        """Return what the tightest limit is, leaves, and when it ends; then what each leaves."""
        tightest, least = self._limits[0], left[0]
        for limit, remaining in zip(self._limits, left, strict=True):
            # Of equal ones the longest counts: it keeps the client away for longer.
            if remaining <= least:
                tightest, least = limit, remaining
        return tightest.most, least, tightest.reset(now), *left


def _template(limits: list[Limit]) -> bytes:
    """Return the lines that tell the client where it stands, for the numbers of ``_told``."""
    common = b"\r\nRateLimit-Limit: %d\r\nRateLimit-Remaining: %d\r\nRateLimit-Reset: %d"
    return common + b"".join(
        b"\r\nX-RateLimit-Limit-%b: %d\r\nX-RateLimit-Remaining-%b: %%d"
        % (limit.title, limit.most, limit.title)
        for limit in limits
    )


def _identify(config: Any) -> Identify:
    """Return what tells which requests are counted together; None: those of one address."""
    kind = config.limit_by
    if kind == "consumer":
        return _consumer
    if kind == "credential":
        return lambda request: _id(request.credential)
    if kind == "service":
        return _service
    if kind == "header":
        name = config.header_name.lower().encode()
        return lambda request: (request.header(name) or b"").decode("latin-1")
    if kind == "path":
        path = config.path.encode()
        return lambda request: config.path if request.path == path else None
    return lambda request: None


def _consumer(request: Request) -> str | None:
    consumer = request.consumer
    return _id(request.credential) if consumer is None else consumer["id"]


def _id(row: Any) -> str | None:
    return None if row is None else row["id"]


def _service(request: Request) -> str | None:
    match = request.match
    return None if match is None else _id(match.data.service)
