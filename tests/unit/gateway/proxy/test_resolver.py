# SPDX-License-Identifier: Apache-2.0
"""Addresses are remembered for their time, shared while asked for, and used in turn."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import UpstreamError
from gateway.proxy.resolver import Resolver


class _Names:
    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, host: str) -> list[str]:
        self.asked += 1
        await asyncio.sleep(0)
        answer = self.answers[min(self.asked, len(self.answers)) - 1]
        if not answer:
            raise OSError("no such name")
        return answer


def test_an_address_needs_no_look_up() -> None:
    names = _Names(["1.1.1.1"])
    resolver = Resolver(lookup=names)
    assert asyncio.run(resolver.resolve("10.0.0.1")) == "10.0.0.1"
    assert asyncio.run(resolver.resolve("::1")) == "::1"
    assert names.asked == 0


def test_the_addresses_of_a_name_are_used_in_turn_from_one_look_up() -> None:
    async def check() -> None:
        names = _Names(["1.1.1.1", "2.2.2.2"])
        resolver = Resolver(lookup=names)
        found = await asyncio.gather(*(resolver.resolve("a") for _ in range(4)))
        assert sorted(found) == ["1.1.1.1", "1.1.1.1", "2.2.2.2", "2.2.2.2"]
        assert names.asked == 1

    asyncio.run(check())


def test_an_old_answer_is_used_while_a_new_one_is_fetched() -> None:
    async def check() -> None:
        names = _Names(["1.1.1.1"], ["2.2.2.2"])
        resolver = Resolver(ttl=0, stale=60, lookup=names)
        assert await resolver.resolve("a") == "1.1.1.1"
        assert await resolver.resolve("a") == "1.1.1.1"
        await asyncio.sleep(0.01)
        assert await resolver.resolve("a") == "2.2.2.2"
        await asyncio.sleep(0.01)

    asyncio.run(check())


def test_an_old_answer_outlives_a_failure() -> None:
    async def check() -> None:
        resolver = Resolver(ttl=0, stale=60, lookup=_Names(["1.1.1.1"], []))
        for _ in range(3):
            assert await resolver.resolve("a") == "1.1.1.1"
            await asyncio.sleep(0.01)

    asyncio.run(check())


def test_a_failure_is_remembered_for_a_moment() -> None:
    async def check() -> None:
        names = _Names([])
        resolver = Resolver(negative=60, lookup=names)
        for _ in range(3):
            with pytest.raises(UpstreamError, match="name resolution failed"):
                await resolver.resolve("a")
        assert names.asked == 1

    asyncio.run(check())


def test_the_systems_resolver_knows_localhost() -> None:
    assert asyncio.run(Resolver().resolve("localhost")) in ("127.0.0.1", "::1")
