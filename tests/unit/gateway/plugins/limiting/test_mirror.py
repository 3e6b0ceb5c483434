# SPDX-License-Identifier: Apache-2.0
"""Counts that are kept here and brought to Redis every so often."""

from __future__ import annotations

from time import time
from typing import Any

from gateway.errors import RedisUnreachable
from gateway.plugins.limiting import mirror as module
from gateway.plugins.limiting.mirror import Mirror


class StandInRedis:
    """Adds as the script does; ``gone`` lets it fail."""

    def __init__(self) -> None:
        self.totals: dict[str, int] = {}
        self.gone = False

    async def run(self, script: Any, keys: tuple[str, ...], *arguments: int) -> list[int]:
        if self.gone:
            raise RedisUnreachable("test", "gone")
        for key, amount in zip(keys, arguments[::2], strict=True):
            self.totals[key] = self.totals.get(key, 0) + amount
        return [self.totals[key] for key in keys]


def mirrored(redis: StandInRedis) -> Mirror:
    client: Any = redis
    return Mirror(client, 3600)


async def test_what_others_counted_is_learned_and_ones_own_is_sent() -> None:
    redis = StandInRedis()
    redis.totals["k"] = 4
    mirror = mirrored(redis)
    counts = await mirror.load(("k",), [60], time() + 60)
    counts.add([2])
    assert counts.totals() == [6]
    redis.totals["k"] = 10
    await mirror.exchange()
    assert counts.totals() == [12]
    assert redis.totals["k"] == 12
    await mirror.close()


async def test_what_is_counted_while_redis_is_gone_is_sent_later() -> None:
    redis = StandInRedis()
    redis.gone = True
    mirror = mirrored(redis)
    counts = mirror.begin(("k",), [60], time() + 60)
    counts.add([1])
    await mirror.exchange()
    counts.add([1])
    await mirror.exchange()
    assert counts.totals() == [2]
    redis.gone = False
    await mirror.exchange()
    assert redis.totals["k"] == 2
    await mirror.close()


async def test_what_nobody_asks_for_is_forgotten() -> None:
    mirror = mirrored(StandInRedis())
    await mirror.load(("k",), [60], time() + 60)
    await mirror.load(("over",), [60], time() - 1)
    await mirror.exchange()
    assert mirror.get(("k",)) is not None
    assert mirror.get(("over",)) is None
    await mirror.exchange()
    assert mirror.get(("k",)) is None
    await mirror.close()


async def test_there_is_a_most_of_what_is_kept(monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "_MOST", 3)
    mirror = mirrored(StandInRedis())
    for number in range(5):
        mirror.begin((str(number),), [60], time() + 60)
    assert [number for number in range(5) if mirror.get((str(number),))] == [2, 3, 4]
    await mirror.close()
