# SPDX-License-Identifier: Apache-2.0
"""Values that are kept: fresh, stale, and while their source is unreachable."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import OutgoingError
from gateway.outgoing.keeper import Keeper, Keeping, Loaded


class Source:
    """Counts what it is asked for; ``broken`` makes it fail, ``gate`` makes it wait."""

    def __init__(self, keeping: Keeping, ttl: float = 10.0) -> None:
        self.now = 0.0
        self.asked: list[str] = []
        self.broken = False
        self.gate: asyncio.Event | None = None
        self.ttl = ttl
        self.keeper = Keeper(self._load, keeping, name="a value", clock=lambda: self.now)

    async def _load(self, key: str) -> Loaded[str]:
        self.asked.append(key)
        if self.gate is not None:
            await self.gate.wait()
        if self.broken:
            raise OutgoingError(f"{key} is broken")
        return Loaded(f"{key}{len(self.asked)}", self.ttl)


async def others_run() -> None:
    """Let the tasks run that need not wait."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_fresh_value_is_not_fetched_again() -> None:
    source = Source(Keeping())
    assert [await source.keeper.get("a") for _ in range(3)] == ["a1"] * 3
    source.now = 10.0
    assert source.keeper.peek("a") is None
    assert await source.keeper.get("a") == "a2"


async def test_a_value_good_for_no_time_is_not_kept() -> None:
    source = Source(Keeping(stale=100, unreachable=100), ttl=0)
    assert [await source.keeper.get("a") for _ in range(2)] == ["a1", "a2"]
    assert len(source.keeper) == 0


async def test_a_stale_value_serves_while_the_next_is_fetched() -> None:
    source = Source(Keeping(stale=5))
    await source.keeper.get("a")
    source.now = 12.0
    assert source.keeper.peek("a") == "a1"
    await others_run()
    assert source.keeper.peek("a") == "a2"


async def test_a_value_serves_while_its_source_is_unreachable_and_no_longer() -> None:
    source = Source(Keeping(unreachable=100))
    await source.keeper.get("a")
    source.broken = True
    source.now = 11.0
    assert await source.keeper.get("a") == "a1"
    # The source has its pause, nobody waits for it.
    assert source.keeper.peek("a") == "a1"
    assert source.asked == ["a"] * 2
    source.now = 111.0
    with pytest.raises(OutgoingError):
        await source.keeper.get("a")
    source.broken = False
    source.now = 200.0
    assert await source.keeper.get("a") == "a4"


async def test_failures_are_kept_for_twice_as_long_each_time() -> None:
    source = Source(Keeping(first_pause=1, longest_pause=3))
    source.broken = True
    asked = []
    for now in range(10):
        source.now = float(now)
        with pytest.raises(OutgoingError, match="a is broken"):
            await source.keeper.get("a")
        asked.append(len(source.asked))
    assert asked == [1, 2, 2, 3, 3, 3, 4, 4, 4, 5]


async def test_of_many_at_once_one_fetches() -> None:
    source = Source(Keeping())
    source.gate = asyncio.Event()
    waiting = [asyncio.create_task(source.keeper.get("a")) for _ in range(9)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    source.gate.set()
    assert await asyncio.gather(*waiting[1:]) == ["a1"] * 8
    assert source.asked == ["a"]


async def test_values_and_failures_are_bounded() -> None:
    source = Source(Keeping(most=10))
    for number in range(50):
        source.broken = number % 2 == 0
        try:
            await source.keeper.get(str(number))
        except OutgoingError:
            assert source.broken
    assert len(source.keeper) == 10
    assert source.keeper.peek("49") is not None
    assert source.keeper.peek("1") is None


async def test_a_renewal_happens_once_in_a_while() -> None:
    source = Source(Keeping())
    await source.keeper.get("a")
    source.now = 3.0
    assert await source.keeper.renew("a", older=5) == "a1"
    source.now = 5.0
    assert await source.keeper.renew("a", older=5) == "a2"
    source.broken = True
    for _ in range(5):
        with pytest.raises(OutgoingError):
            await source.keeper.renew("b", older=0)
    assert source.asked == ["a", "a", "b"]


async def test_what_is_dropped_is_fetched_again() -> None:
    source = Source(Keeping())
    await source.keeper.get("a")
    source.keeper.drop("a")
    assert await source.keeper.get("a") == "a2"


async def test_closing_gives_up_what_is_under_way() -> None:
    source = Source(Keeping())
    source.gate = asyncio.Event()
    waiting = asyncio.create_task(source.keeper.get("a"))
    await asyncio.sleep(0)
    source.keeper.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
