# SPDX-License-Identifier: Apache-2.0
"""What differs from ``proxy-cache``: Redis, and what happens without it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.plugins.proxy_cache_advanced.handler import ProxyCacheAdvanced
from gateway.plugins.proxy_cache_advanced.schema import Config
from tests.support.caching import Cached
from tests.support.ports import free_ports
from tests.support.valkey import running_valkey


def cached(monkeypatch: pytest.MonkeyPatch, port: int = 1, **fields: object) -> Cached:
    config = Config(**{"strategy": "redis", "redis": {"port": port}, **fields})  # type: ignore[arg-type]  # fields of a test
    return Cached(monkeypatch, ProxyCacheAdvanced, config)


async def test_responses_are_kept_in_redis(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with running_valkey(tmp_path) as valkey:
        one, other = cached(monkeypatch, valkey.port), cached(monkeypatch, valkey.port)
        assert await one.statuses() == ["Miss", "Hit"]
        assert await other.statuses() == ["Hit", "Hit"]
        assert len(valkey.ask("KEYS", "*")) == 2
        assert len(one.nodes) == 0
        await one.close()
        await other.close()


async def test_in_memory_it_is_the_same_as_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    one = cached(monkeypatch, strategy="memory")
    assert await one.statuses() == ["Miss", "Hit"]
    assert one.nodes.keys("proxy-cache-advanced:")


@pytest.mark.parametrize(("bypass", "expected"), [(True, (200, "Bypass")), (False, (502, None))])
async def test_without_redis_it_refuses_or_lets_pass(
    monkeypatch: pytest.MonkeyPatch, bypass: bool, expected: tuple[int, str | None]
) -> None:
    one = cached(monkeypatch, free_ports(1)[0], bypass_on_err=bypass)
    status, response = await one.ask()
    assert (response.status, status) == expected
    await one.close()
