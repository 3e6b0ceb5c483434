# SPDX-License-Identifier: Apache-2.0
"""Count the records and bytes of a request before the first is handed over, or refuse them all.

A record counts when it is admitted, whether Kafka then takes it or not: one whose report is lost
may well have been written, and each attempt costs the same.
"""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from time import time
from typing import TYPE_CHECKING, Any

from gateway.errors import RedisFailed, RequestRejected
from gateway.http.generated_responses import message_of
from gateway.http.messages import Request
from gateway.plugins.base import Handler, PluginContext
from gateway.plugins.kafka_quota.admission import Admission
from gateway.plugins.kafka_quota.quotas import Charge, Quota
from gateway.plugins.limiting.origins import address_of, identify
from gateway.plugins.limiting.scripts import script
from gateway.redis.target import target_of

if TYPE_CHECKING:
    from gateway.redis.client import RedisClient


class KafkaQuota(Handler):
    """Asked by the plugin that writes the records; alone on a route it does nothing."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        scope = f"quota\n{context.route_id}:{context.service_id}:{config.limit_by}"
        if config.limit_by == "header":
            scope += f":{config.header_name.lower()}"
        self._quotas = [
            Quota(scope, kind, period, most, context.counters)
            for kind, limits in config.limits().items()
            for period, most in limits.items()
        ]
        self._named = f"kafka-quota:{context.route_id or ''}:{context.service_id or ''}:"
        self._identify = identify(config.limit_by, config, context)
        self._prefix = context.ipv6_prefix
        self._redis: RedisClient | None = None
        if config.policy == "redis":
            self._redis = context.redis.get(target_of(config.redis, context.trusted_ca))
        shown = () if config.hide_client_headers else self._quotas
        self._template = b"".join(map(_template, shown))
        self._admission = Admission(self.decide, at_once=self._redis is None)

    def access(self, request: Request) -> None:
        """Have the plugin that writes the records ask."""
        request.admission = self._admission

    def decide(
        self, request: Request, topics: Sequence[str], records: int, size: int
    ) -> Coroutine[Any, Any, None] | None:
        """Count, or raise ``RequestRejected``: 429, and 413 for what could never pass."""
        now = time()
        origin = self._identify(request) or address_of(request.client_ip, self._prefix)
        here = self._redis is None and len(topics) == 1
        if here and self._has_passed(request, f"{topics[0]}\n{origin}", records, size, now):
            return None
        charges = [
            Charge(quota, topic, quota.amount(records, size))
            for topic in topics
            for quota in self._quotas
        ]
        for quota, _, amount in charges:
            if amount > quota.most:
                text = f"the request is more than the quota ever lets pass: {quota.text}"
                raise RequestRejected(413, text)
        if self._redis is not None:
            return self._in_redis(self._redis, request, origin, charges, now)
        counters = [quota.limit.counter(f"{topic}\n{origin}", now) for quota, topic, _ in charges]
        self._judge(request, charges, [counter.total() for counter in counters], now)
        for counter, charge in zip(counters, charges, strict=True):
            counter.add(charge.amount)
        return None

    def _has_passed(
        self, request: Request, counted: str, records: int, size: int, now: float
    ) -> bool:
        """Let records into one topic, as most requests have it; False: more is to be said."""
        counts, left = [], []
        for quota in self._quotas:
            amount = quota.amount(records, size)
            counter = quota.limit.counter(counted, now)
            room = quota.most - counter.total() - amount
            if room < 0:
                return False
            counts.append((counter, amount))
            left.append(room * quota.unit)
        for counter, amount in counts:
            counter.add(amount)
        if self._template:
            request.response_lines += self._template % tuple(left)
        return True

    def close(self) -> None:
        """Give the connections back."""
        if self._redis is not None:
            self.context.redis.release(self._redis)
            self._redis = None

    async def _in_redis(
        self,
        redis: RedisClient,
        request: Request,
        origin: str,
        charges: Sequence[Charge],
        now: float,
    ) -> None:
        keys = [
            f"{self._named}{origin}:{topic}:{quota.kind}:{quota.limit.key(now)}"
            for quota, topic, _ in charges
        ]
        asked = [
            number
            for quota, _, amount in charges
            for number in (amount, quota.most, quota.limit.length)
        ]
        try:
            _, *used = await redis.run(script("fixed"), keys, *asked)
        except RedisFailed:
            if self.config.fault_tolerant:
                return
            raise RequestRejected(500, message_of(500)) from None
        self._judge(request, charges, used, now)

    def _judge(
        self, request: Request, charges: Sequence[Charge], used: Sequence[int], now: float
    ) -> None:
        """Tell where the client stands; raise where a quota has no room for the request."""
        left = [charge.quota.most - count for charge, count in zip(charges, used, strict=True)]
        wait = 0
        for charge, room in zip(charges, left, strict=True):
            if charge.amount > room:
                wait = max(wait, charge.quota.limit.reset(now))
        if not self.config.hide_client_headers:
            request.response_lines += self._lines(charges, left, refused=bool(wait))
            if wait:
                request.response_lines += b"\r\nRetry-After: %d" % wait
        if wait:
            raise RequestRejected(429, self.config.error_message)

    def _lines(self, charges: Sequence[Charge], left: Sequence[int], *, refused: bool) -> bytes:
        """Return the lines for each quota: of several topics, the one that has least left."""
        least: dict[Quota, int] = {}
        for (quota, _, amount), room in zip(charges, left, strict=True):
            remaining = max(0, room if refused else room - amount) * quota.unit
            least[quota] = min(least.get(quota, remaining), remaining)
        return b"".join(
            b"\r\nX-Kafka-Quota-Limit-%b: %d\r\nX-Kafka-Quota-Remaining-%b: %d"
            % (quota.title, quota.limit.most, quota.title, remaining)
            for quota, remaining in least.items()
        )


def _template(quota: Quota) -> bytes:
    """Return the header lines of a quota, with a place for what is left of it."""
    return b"\r\nX-Kafka-Quota-Limit-%b: %d\r\nX-Kafka-Quota-Remaining-%b: %%d" % (
        quota.title, quota.limit.most, quota.title,
    )  # fmt: skip
