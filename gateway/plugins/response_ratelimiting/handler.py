# SPDX-License-Identifier: Apache-2.0
"""Look before the upstream, count what it says after; refuse what is used up."""

from __future__ import annotations

from collections.abc import Mapping
from time import time
from typing import TYPE_CHECKING, Any

from gateway.errors import RedisFailed
from gateway.http.generated_responses import error_response, json_response, message_of
from gateway.http.messages import Request, Response
from gateway.plugins.base import AccessResult, Handler, PluginContext
from gateway.plugins.limiting.origins import address_of, identify, redis_name
from gateway.plugins.limiting.periods import Limit
from gateway.plugins.limiting.scripts import script
from gateway.plugins.response_ratelimiting.usage import used
from gateway.redis.target import target_of
from gateway.tasks import BackgroundTasks

if TYPE_CHECKING:
    from gateway.redis.client import RedisClient

_NO_ID = "00000000-0000-0000-0000-000000000000"
_SEEN = "response-ratelimiting"
"""Where a request keeps what was found before the upstream."""


class UsageStanding:
    """What one request found: when, for whom, and what each limit left."""

    __slots__ = ("left", "now", "origin")

    def __init__(self, origin: str, now: float, left: dict[str, list[float]]) -> None:
        self.origin = origin
        self.now = now
        self.left = left


class ResponseRateLimiting(Handler):
    """Counts in the node's memory, or in Redis; in Redis after the response, as Kong does."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        scope = f"{context.route_id}:{context.service_id}:{config.limit_by}"
        self._limits = {
            name: [
                Limit(f"response\n{scope}\n{name}", period, limit, context.counters)
                for period, limit in limits.limits().items()
            ]
            for name, limits in config.limits.items()
        }
        self._identify = identify(config.limit_by, config, context)
        self._prefix = context.ipv6_prefix
        self._header = config.header_name.lower().encode()
        scoped = f"{context.route_id or _NO_ID}:{context.service_id or _NO_ID}"
        self._named = f"response-ratelimit:{scoped}:"
        self._tasks = BackgroundTasks()
        self._redis: RedisClient | None = None
        if config.policy == "redis":
            self._redis = context.redis.get(target_of(config.redis, context.trusted_ca))

    def access(self, request: Request) -> AccessResult:
        """Find out what is left; refuse when it is nothing, if that is wanted."""
        now = time()
        origin = self._identify(request) or address_of(request.client_ip, self._prefix)
        if self._redis is not None:
            return self._ask(self._redis, request, origin, now)
        left = {
            name: [limit.limit - limit.counter(origin, now).total() for limit in limits]
            for name, limits in self._limits.items()
        }
        return self._found(request, UsageStanding(origin, now, left))

    def header_filter(self, request: Request, response: Response) -> None:
        """Count what the upstream says, and tell the client; refuse what is used up."""
        given = [] if response.generated else self._taken(response)
        standing = (request.context or {}).get(_SEEN)
        if standing is None:
            return
        amounts: Mapping[str, int] = {}
        # One from a cache, or under an idempotency key, was counted when it came.
        if given and request.upstream_status is not None:
            amounts = used(given, self._limits)
        over = any(min(standing.left[name]) <= 0 for name, amount in amounts.items() if amount)
        if not self.config.hide_client_headers:
            response.headers += self._told(standing, {} if over else amounts)
        if over:
            _empty(response)
        elif amounts:
            self._count(standing, amounts)

    def _taken(self, response: Response) -> list[bytes]:
        """Return what the upstream says; no client is to see it."""
        given = [value for name, value in response.headers if name.lower() == self._header]
        if given:
            kept = [pair for pair in response.headers if pair[0].lower() != self._header]
            response.headers = kept
        return given

    def close(self) -> None:
        """Give the connections back."""
        if self._redis is not None:
            # What is on its way to Redis has a second to get there: see the client.
            self.context.redis.release(self._redis)
            self._redis = None

    async def _ask(
        self, redis: RedisClient, request: Request, origin: str, now: float
    ) -> Response | None:
        keys = [key for name in self._limits for key in self._keys(name, origin, now)]
        try:
            totals = await redis.run(script("added"), keys, *[0, 1] * len(keys))
        except RedisFailed:
            if self.config.fault_tolerant:
                return None
            return json_response(500, message_of(500))
        each = iter(totals)
        left = {
            name: [limit.limit - next(each) for limit in limits]
            for name, limits in self._limits.items()
        }
        return self._found(request, UsageStanding(origin, now, left))

    def _found(self, request: Request, standing: UsageStanding) -> Response | None:
        if request.context is None:
            request.context = {}
        request.context[_SEEN] = standing
        lines = []
        for name, left in standing.left.items():
            least = min(left)
            lines.append((f"x-ratelimit-remaining-{name}".lower().encode(), b"%.14g" % least))
            if least <= 0 and self.config.block_on_first_violation:
                text = f"API rate limit exceeded for '{name}'"
                return error_response(429, text, request)
        request.put_headers(lines)
        return None

    def _told(
        self, standing: UsageStanding, amounts: Mapping[str, int]
    ) -> list[tuple[bytes, bytes]]:
        lines = []
        for name, limits in self._limits.items():
            amount = amounts.get(name, 0)
            for limit, left in zip(limits, standing.left[name], strict=True):
                end = f"{name}-{limit.period}".encode("latin-1", "replace")
                lines.append((b"X-RateLimit-Limit-" + end, b"%.14g" % limit.limit))
                least = max(0, left - amount)
                lines.append((b"X-RateLimit-Remaining-" + end, b"%.14g" % least))
        return lines

    def _count(self, standing: UsageStanding, amounts: Mapping[str, int]) -> None:
        if self._redis is not None:
            self._tasks.start(self._send(self._redis, standing, amounts))
            return
        for name, amount in amounts.items():
            for limit in self._limits[name]:
                # Of the present window: a response may take longer than the one it began in.
                limit.counter(standing.origin, time()).add(amount)

    async def _send(
        self, redis: RedisClient, standing: UsageStanding, amounts: Mapping[str, int]
    ) -> None:
        keys: list[str] = []
        asked: list[int] = []
        for name, amount in amounts.items():
            keys += self._keys(name, standing.origin, standing.now)
            for limit in self._limits[name]:
                asked += [amount, limit.length]
        try:
            await redis.run(script("added"), keys, *asked)
        except RedisFailed:
            # It is in the log already; what is not counted is to the client's advantage.
            return

    def _keys(self, name: str, origin: str, now: float) -> list[str]:
        named = self._named + redis_name(origin)
        found = []
        for limit in self._limits[name]:
            start, _, period = limit.key(now).partition(":")
            found.append(f"{named}:{start}:{name}:{period}")
        return found


def _empty(response: Response) -> None:
    """Make a 429 of it, without the upstream's body."""
    close = getattr(response.body, "close", None)
    if close is not None:
        close()
    response.status = 429
    response.body = b""
    dropped = (b"content-length", b"content-encoding", b"transfer-encoding")
    response.headers = [pair for pair in response.headers if pair[0].lower() not in dropped]
