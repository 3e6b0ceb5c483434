# SPDX-License-Identifier: Apache-2.0
"""Count a request in all windows, or refuse it; hold it where throttling is on."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable
from hashlib import blake2b
from time import time
from typing import TYPE_CHECKING, Any

from gateway.errors import RedisFailed
from gateway.http.generated_responses import error_response
from gateway.http.messages import Request, Response
from gateway.http.response_lines import joined
from gateway.plugins.base import AccessResult, Handler, PluginContext
from gateway.plugins.limiting.mirror import Mirror
from gateway.plugins.limiting.scripts import script
from gateway.plugins.limiting.sliding import Judgement, Window, judge
from gateway.plugins.rate_limiting_advanced.origins import CombinedOrigins
from gateway.plugins.shared_counters import Counter
from gateway.redis.target import target_of
from gateway.tasks import BackgroundTasks

if TYPE_CHECKING:
    from gateway.redis.client import RedisClient

_AFTER_AN_OUTAGE = 1.0
"""Seconds between two attempts to send what was counted while Redis was gone (sync rate 0)."""
_tasks = BackgroundTasks()
_jitter = secrets.SystemRandom().uniform


class RateLimitingAdvanced(Handler):
    """Limits by the node's counts, or by Redis'; the node's decide while Redis is gone."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self._named = config.namespace or context.plugin_id
        slides = config.window_type == "sliding"
        self._windows = [
            Window(self._named, size, limit, context.counters, slides=slides)
            for size, limit in config.windows()
        ]
        self._penal = slides and not config.disable_penalty
        self._origins = CombinedOrigins(config, context)
        self._template = b"" if config.hide_client_headers else self._lines()
        held = config.throttling
        self._throttling = held if held is not None and held.enabled else None
        self._held = 0
        self._redis: RedisClient | None = None
        self._mirror: Mirror | None = None
        self._each = False
        rate = config.exchanges()
        if rate is not None:
            self._redis = context.redis.get(target_of(config.redis, context.trusted_ca))
            self._each = rate == 0
            self._mirror = Mirror(self._redis, rate or _AFTER_AN_OUTAGE)

    def access(self, request: Request) -> AccessResult:
        """Let the request pass, refuse it, or hold it."""
        origin = self._origins.of(request)
        now = time()
        if self._redis is None:
            verdict = self._local(origin, now, penal=self._penal)
            if verdict.passes or self._throttling is None:
                return self._respond(request, verdict)
            return self._hold(request, origin, verdict)
        return self._in_redis(request, origin, now)

    def close(self) -> None:
        """Give the connections back; what was counted goes to Redis before."""
        if self._redis is not None and self._mirror is not None:
            _tasks.start(self._give_back(self._redis, self._mirror))
            self._redis = self._mirror = None

    async def _give_back(self, redis: RedisClient, mirror: Mirror) -> None:
        await mirror.close()
        self.context.redis.release(redis)

    async def _in_redis(self, request: Request, origin: str, now: float) -> Response | None:
        verdict = await self._shared(origin, now, penal=self._penal)
        if verdict.passes or self._throttling is None:
            return self._respond(request, verdict)
        return await self._hold(request, origin, verdict)

    async def _hold(self, request: Request, origin: str, verdict: Judgement) -> Response | None:
        """Try again every interval, as long as there is room among those that are held."""
        assert self._throttling is not None
        if self._held >= self._throttling.queue_limit:
            return self._respond(request, verdict)
        self._held += 1
        try:
            for _ in range(self._throttling.retry_times):
                await asyncio.sleep(self._throttling.interval)
                # It is the same request: it is not punished for coming again.
                verdict = await self._again(origin, time())
                if verdict.passes:
                    break
        finally:
            self._held -= 1
        return self._respond(request, verdict)

    async def _again(self, origin: str, now: float) -> Judgement:
        if self._redis is None:
            return self._local(origin, now, penal=False)
        return await self._shared(origin, now, penal=False)

    def _local(self, origin: str, now: float, *, penal: bool) -> Judgement:
        present: list[Counter] = []
        counts: list[int] = []
        for window in self._windows:
            current, previous = window.counters(origin, now)
            present.append(current)
            counts += (current.total(), previous.total())
        verdict = judge(self._windows, counts, now, counted=penal)
        if verdict.passes or penal:
            for current in present:
                current.add()
        return verdict

    def _shared(self, origin: str, now: float, *, penal: bool) -> Awaitable[Judgement]:
        keys = self._keys(origin, now)
        return (
            self._one(keys, origin, now, penal)
            if self._each
            else self._mirrored(keys, origin, now, penal)
        )

    async def _one(self, keys: tuple[str, ...], origin: str, now: float, penal: bool) -> Judgement:
        """Count in Redis before the request passes; without Redis, as the node knows."""
        assert self._redis is not None
        windows = self._windows
        asked = [
            number
            for window in windows
            for number in (window.limit, window.weight(now), self._lives(window))
        ]
        try:
            _, *counts = await self._redis.run(script("sliding"), keys, int(penal), *asked)
        except RedisFailed:
            verdict = self._local(origin, now, penal=penal)
            if verdict.passes or penal:
                self._owe(keys, now)
            return verdict
        verdict = judge(windows, counts, now, counted=penal)
        if verdict.passes:
            # The node counts along, to know where it stands when Redis is gone.
            for window in windows:
                window.counters(origin, now)[0].add()
        return verdict

    def _owe(self, keys: tuple[str, ...], now: float) -> None:
        """Keep what Redis is to learn when it is back."""
        if self._mirror is not None:
            owed = self._mirror.get(keys) or self._mirror.begin(keys, *self._times(now))
            owed.add([1, 0] * len(self._windows))

    async def _mirrored(
        self, keys: tuple[str, ...], origin: str, now: float, penal: bool
    ) -> Judgement:
        """Decide by what Redis said last and what was counted since."""
        mirror = self._mirror
        assert mirror is not None
        counts = mirror.get(keys)
        if counts is None:
            lives, ends = self._times(now)
            try:
                counts = await mirror.load(keys, lives, ends)
            except RedisFailed:
                pairs = [window.counters(origin, now) for window in self._windows]
                known = [counter.total() for pair in pairs for counter in pair]
                counts = mirror.get(keys) or mirror.begin(keys, lives, ends, known)
        verdict = judge(self._windows, counts.totals(), now, counted=penal)
        if verdict.passes or penal:
            counts.add([1, 0] * len(self._windows))
            for window in self._windows:
                window.counters(origin, now)[0].add()
        return verdict

    def _keys(self, origin: str, now: float) -> tuple[str, ...]:
        # What stands in braces decides where a cluster keeps a key: all of an origin together.
        named = f"{self._named}:{origin}"
        if "{" in named or "}" in named:
            named = blake2b(named.encode(), digest_size=16).hexdigest()
        return tuple(
            f"rla:{{{named}}}:{window.size:.14g}:{number}"
            for window in self._windows
            for number in (window.place(now)[0], window.place(now)[0] - 1)
        )

    def _times(self, now: float) -> tuple[list[int], float]:
        """Return how long each counter lives, and when the first of the windows is over."""
        lives = [self._lives(window) for window in self._windows for _ in range(2)]
        return lives, now + min(window.ends(now) for window in self._windows)

    def _lives(self, window: Window) -> int:
        return int(window.size * (2 if window.slides else 1)) + 1

    def _respond(self, request: Request, verdict: Judgement) -> Response | None:
        if self._template:
            limit = self._windows[verdict.tightest].limit
            least = verdict.left[verdict.tightest]
            lines = self._template % (limit, least, verdict.reset, *verdict.left)
            before = request.response_lines
            request.response_lines = joined(before, lines) if before else lines
        if verdict.passes:
            return None
        wait = []
        if self._template:
            jitter = self.config.retry_after_jitter_max
            seconds = verdict.reset + (int(_jitter(0, jitter + 1)) if jitter >= 1 else 0)
            wait = [(b"Retry-After", b"%d" % min(seconds, verdict.reset + int(jitter)))]
        return error_response(self.config.error_code, self.config.error_message, request, wait)

    def _lines(self) -> bytes:
        """Return the lines that tell the client where it stands."""
        common = b"\r\nRateLimit-Limit: %.14g\r\nRateLimit-Remaining: %d\r\nRateLimit-Reset: %d"
        return common + b"".join(
            b"\r\nX-RateLimit-Limit-%b: %.14g\r\nX-RateLimit-Remaining-%b: %%d"
            % (window.title, window.limit, window.title)
            for window in self._windows
        )
