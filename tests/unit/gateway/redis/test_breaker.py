# SPDX-License-Identifier: Apache-2.0
"""Callers fail at once until a probe succeeds."""

from __future__ import annotations

from gateway.redis.breaker import CircuitBreaker
from tests.support.producing import until


async def test_it_closes_when_a_probe_succeeds() -> None:
    failures = ["refused", "loading"]
    seen: list[str] = []

    async def probe() -> None:
        seen.append(breaker.reason)
        if failures:
            raise OSError(failures.pop(0))

    breaker = CircuitBreaker("test", probe)
    breaker.trip("timeout")
    breaker.trip("again")
    assert breaker.reason == "timeout"
    await until(lambda: not breaker.reason)
    assert seen == ["timeout", "refused", "loading"]
    await breaker.close()


async def test_a_closed_one_probes_no_more() -> None:
    async def probe() -> None:
        raise OSError("refused")

    breaker = CircuitBreaker("test", probe)
    breaker.trip("timeout")
    await breaker.close()
    assert breaker.reason
