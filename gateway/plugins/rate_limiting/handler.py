# SPDX-License-Identifier: Apache-2.0
"""Count a request, or refuse it; tell the client where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, nextafter
from time import time
from typing import TYPE_CHECKING, Any

from gateway.errors import RedisFailed
from gateway.http.generated_responses import error_response, json_response, message_of
from gateway.http.messages import Request, Response
from gateway.http.response_lines import joined
from gateway.plugins.base import AccessResult, Handler, PluginContext
from gateway.plugins.limiting.mirror import Mirror
from gateway.plugins.limiting.origins import address_of, identify, redis_name
from gateway.plugins.limiting.periods import Limit
from gateway.plugins.limiting.scripts import script
from gateway.plugins.limiting.standing import StandingLines
from gateway.plugins.shared_counters import Counter
from gateway.redis.target import target_of
from gateway.tasks import BackgroundTasks

if TYPE_CHECKING:
    from gateway.redis.client import RedisClient

_NO_ID = "00000000-0000-0000-0000-000000000000"
_tasks = BackgroundTasks()


class RateLimiting(Handler):
    """Limits by the node's own counts, or by counts in Redis.

    The node's are shared by its workers and outlive releases. A refused request is counted nowhere.
    """

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        # As in Kong, plugins of equal scope count together: one for a consumer and one for all.
        scope = f"{context.route_id}:{context.service_id}:{config.limit_by}"
        if config.limit_by == "header":
            scope += f":{config.header_name.lower()}"
        self._limits = [
            Limit(scope, period, limit, context.counters)
            for period, limit in config.limits().items()
        ]
        self._identify = identify(config.limit_by, config, context)
        self._prefix = context.ipv6_prefix
        self._lines = StandingLines(self._limits, hidden=config.hide_client_headers)
        self._template = self._lines.template
        only = self._limits[0]
        usual = len(self._limits) == 1 and only.limit == only.most and config.policy != "redis"
        self._only = only if usual else None
        self._most = only.most
        self._by_consumer = config.limit_by == "consumer"
        # The lines of an only limit change with what is left, and once a second.
        self._since = self._until = 0.0
        self._now = b""
        self._named = f"ratelimit:{context.route_id or _NO_ID}:{context.service_id or _NO_ID}:"
        self._redis: RedisClient | None = None
        self._mirror: Mirror | None = None
        if config.policy == "redis":
            self._redis = context.redis.get(target_of(config.redis, context.trusted_ca))
            if config.sync_rate > 0:
                self._mirror = Mirror(self._redis, config.sync_rate)

    def access(self, request: Request) -> AccessResult:
        """Let the request pass and count it, or refuse it and do not."""
        now = time()
        only = self._only
        if only is None:
            origin = self._origin(request)
            if self._redis is not None:
                return self._in_redis(self._redis, request, origin, now)
            return self._several(request, origin, now)
        # The same as for several, in a third of the time: most have one.
        if not self._since < now <= self._until:
            self._enter(only, now)
        consumer = request.consumer
        if consumer is None or not self._by_consumer:
            counter = only.counter(self._origin(request), now)
        else:
            number = consumer["id"]
            counter = only.table.at_hand.get(number) or self._find(only, number, request, now)
        left = counter.take(self._most)
        if left < 0:
            return self._refuse(request, [0], now)
        if self._template:
            lines = self._now % (left, left)
            before = request.response_lines
            request.response_lines = joined(before, lines) if before else lines
        return None

    def _origin(self, request: Request) -> str:
        return self._identify(request) or address_of(request.client_ip, self._prefix)

    def _find(self, only: Limit, number: str, request: Request, now: float) -> Counter:
        counter = only.counter(self._origin(request), now)
        only.table.at_hand[number] = counter
        return counter

    def _enter(self, only: Limit, now: float) -> None:
        """Begin a second: within it neither the window changes nor what is told of its end."""
        only.enter(now)
        if self._template:
            self._now = self._lines.of_second(only.reset(now))
        end, seconds = only.end, int(only.end - now)
        self._since = max(end - seconds - 1, nextafter(end - only.length, 0))
        self._until = end - seconds if seconds else nextafter(end, 0)

    def close(self) -> None:
        """Give the connections back; what was counted goes to Redis before."""
        if self._redis is not None:
            _tasks.start(self._give_back(self._redis, self._mirror))
            self._redis = self._mirror = None

    async def _give_back(self, redis: RedisClient, mirror: Mirror | None) -> None:
        if mirror is not None:
            await mirror.close()
        self.context.redis.release(redis)

    def _several(self, request: Request, origin: str, now: float) -> Response | None:
        limits = self._limits
        counters, left = [], []
        tightest, least = limits[0], inf
        for limit in limits:
            counter = limit.counter(origin, now)
            remaining = limit.limit - counter.total() - 1
            if remaining <= least:
                tightest, least = limit, remaining
            counters.append(counter)
            left.append(remaining)
        if least <= -1:
            return self._decide(request, [counter.total() for counter in counters], now)
        for counter in counters:
            counter.add()
        if least < 0:
            left = [max(0, remaining) for remaining in left]
        if self._template:
            reset = tightest.reset(now)
            lines = self._template % (tightest.limit, max(0, least), reset, *left)
            before = request.response_lines
            request.response_lines = joined(before, lines) if before else lines
        return None

    async def _in_redis(
        self, redis: RedisClient, request: Request, origin: str, now: float
    ) -> Response | None:
        named = self._named + redis_name(origin)
        keys = tuple(f"{named}:{limit.key(now)}" for limit in self._limits)
        try:
            if self._mirror is not None:
                return await self._mirrored(self._mirror, request, keys, now)
            asked = [number for limit in self._limits for number in (1, limit.most, limit.length)]
            _, *used = await redis.run(script("fixed"), keys, *asked)
        except RedisFailed:
            if self.config.fault_tolerant:
                return None
            return json_response(500, message_of(500))
        return self._decide(request, used, now)

    async def _mirrored(
        self, mirror: Mirror, request: Request, keys: tuple[str, ...], now: float
    ) -> Response | None:
        counts = mirror.get(keys)
        if counts is None:
            lives = [limit.length for limit in self._limits]
            counts = await mirror.load(keys, lives, max(limit.end for limit in self._limits))
        response = self._decide(request, counts.totals(), now)
        if response is None:
            counts.add([1] * len(keys))
        return response

    def _decide(self, request: Request, used: Sequence[int], now: float) -> Response | None:
        """Let pass or refuse by what was counted before this request."""
        pairs = list(zip(self._limits, used, strict=True))
        for limit, count in pairs:
            if count >= limit.most:
                # Only those that are used up say so: nothing is taken from the others.
                left = [0 if used >= one.most else one.limit - used for one, used in pairs]
                return self._refuse(request, left, now)
        if self._template:
            left = [max(0, limit.limit - count - 1) for limit, count in pairs]
            lines = self._lines.of(left, now)[1]
            request.response_lines = joined(request.response_lines, lines)
        return None

    def _refuse(self, request: Request, left: Sequence[float], now: float) -> Response:
        reset, lines = self._lines.of(left, now)
        request.response_lines = joined(request.response_lines, lines)
        wait = [(b"Retry-After", b"%d" % reset)] if lines else []
        return error_response(self.config.error_code, self.config.error_message, request, wait)
