# SPDX-License-Identifier: Apache-2.0
"""Addresses are remembered for their time, shared while asked for, and used in turn."""

from __future__ import annotations

import asyncio

import pytest

from gateway.errors import UpstreamError
from gateway.proxy.dns import DnsAnswer
from gateway.proxy.resolver import Resolver
from tests.support.http import passing


class _Names:
    """Answers in order, the last again and again; none stands for a failure."""

    def __init__(self, *answers: list[str] | None, ttl: float = 30) -> None:
        self.answers = list(answers)
        self.ttl = ttl
        self.asked = 0

    async def __call__(self, host: str) -> DnsAnswer:
        self.asked += 1
        await asyncio.sleep(0)
        answer = self.answers[min(self.asked, len(self.answers)) - 1]
        if answer is None:
            raise OSError("no server answers")
        return DnsAnswer(answer, self.ttl)


def test_an_address_needs_no_look_up() -> None:
    names = _Names(["1.1.1.1"])
    resolver = Resolver(lookup=names)
    assert asyncio.run(resolver.resolve("10.0.0.1")) == "10.0.0.1"
    assert asyncio.run(resolver.resolve("::1")) == "::1"
    assert names.asked == 0


async def test_the_addresses_of_a_name_are_used_in_turn_from_one_look_up() -> None:
    names = _Names(["1.1.1.1", "2.2.2.2"])
    resolver = Resolver(lookup=names)
    found = await asyncio.gather(*(resolver.resolve("a") for _ in range(4)))
    assert sorted(found) == ["1.1.1.1", "1.1.1.1", "2.2.2.2", "2.2.2.2"]
    assert names.asked == 1


async def test_an_old_answer_is_used_while_a_new_one_is_fetched() -> None:
    resolver = Resolver(lookup=_Names(["1.1.1.1"], ["2.2.2.2"], ttl=0))
    assert await resolver.resolve("a") == "1.1.1.1"
    assert await resolver.resolve("a") == "1.1.1.1"
    await passing(0.01)
    assert await resolver.resolve("a") == "2.2.2.2"
    await passing(0.01)


async def test_turns_go_on_over_new_answers() -> None:
    resolver = Resolver(stale_ttl=0, lookup=_Names(["1.1.1.1", "2.2.2.2"], ttl=0))
    found = [await resolver.resolve("a") for _ in range(4)]
    assert found == ["2.2.2.2", "1.1.1.1", "2.2.2.2", "1.1.1.1"]


async def test_an_old_answer_outlives_failures_which_are_not_repeated_at_once() -> None:
    names = _Names(["1.1.1.1"], None, ttl=0)
    resolver = Resolver(error_ttl=60, lookup=names)
    for _ in range(4):
        assert await resolver.resolve("a") == "1.1.1.1"
        await passing(0.01)
    assert names.asked == 2


async def test_an_old_answer_is_not_used_when_there_is_no_such_name_any_more() -> None:
    resolver = Resolver(lookup=_Names(["1.1.1.1"], [], ttl=0))
    for _ in range(2):
        assert await resolver.resolve("a") == "1.1.1.1"
    await passing(0.01)
    with pytest.raises(UpstreamError, match="name resolution failed"):
        await resolver.resolve("a")


@pytest.mark.parametrize("answer", [None, []])
async def test_a_failure_is_remembered_for_a_moment(answer: list[str] | None) -> None:
    names = _Names(answer)
    resolver = Resolver(error_ttl=60, lookup=names)
    for _ in range(3):
        with pytest.raises(UpstreamError, match="name resolution failed"):
            await resolver.resolve("a")
    assert names.asked == 1


async def test_only_so_many_names_are_kept() -> None:
    names = _Names(["1.1.1.1"])
    resolver = Resolver(limit=2, lookup=names)
    for name in ("a", "b", "c", "b", "c"):
        await resolver.resolve(name)
    assert names.asked == 3
    await resolver.resolve("a")
    assert names.asked == 4


@pytest.mark.parametrize("name", ["a..b", "x" * 70, "\N{LATIN SMALL LETTER U WITH DIAERESIS}" * 70])
async def test_a_name_that_cannot_be_one_is_a_503(name: str) -> None:
    resolver = Resolver()
    with pytest.raises(UpstreamError, match="name resolution failed"):
        await resolver.resolve(name)
    resolver.close()
