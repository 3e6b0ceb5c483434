# SPDX-License-Identifier: Apache-2.0
"""The balancers of a worker over releases."""

from __future__ import annotations

import asyncio

from gateway.proxy.balancing.balancers import Balancers
from gateway.proxy.balancing.health import PeerState
from gateway.proxy.resolver import Resolver
from tests.support.balancing import NAME, target_rows, upstream_row

PEER = ("10.0.0.1", "10.0.0.1", 80)


async def test_an_upstream_that_did_not_change_keeps_its_balancer() -> None:
    balancers = Balancers(Resolver())
    row = upstream_row()
    targets = target_rows(row, ["10.0.0.1:80"])
    first = await balancers.make([row], targets, {})
    assert await balancers.make([dict(row)], [dict(one) for one in targets], first) == first
    other = target_rows(row, ["10.0.0.1:80", "10.0.0.2:80"])
    second = await balancers.make([row], other, first)
    assert second[NAME] is not first[NAME]
    assert len(second[NAME].peers) == 2
    third = await balancers.make([{**row, "host_header": "x.test"}], other, second)
    assert third[NAME] is not second[NAME]


async def test_targets_belong_to_their_own_upstream() -> None:
    one, two = upstream_row(), upstream_row(name="other.test")
    targets = [*target_rows(one, ["10.0.0.1:80"]), *target_rows(two, ["10.0.0.2:80"])]
    made = await Balancers(Resolver()).make([one, two], targets, {})
    assert [peer.address.ip for peer in made[NAME].peers] == ["10.0.0.1"]
    assert [peer.address.ip for peer in made["other.test"].peers] == ["10.0.0.2"]


async def test_health_reaches_balancers_that_are_there_and_those_to_come() -> None:
    balancers = Balancers(Resolver())
    row = upstream_row()
    targets = target_rows(row, ["10.0.0.1:80"])
    first = await balancers.make([row], targets, {})
    balancers.take(row["id"], [(PEER, PeerState.UNHEALTHY)])
    assert not first[NAME].healthy
    second = await balancers.make([{**row, "slots": 2000}], targets, first)
    assert not second[NAME].healthy
    balancers.take(row["id"], [])
    assert first[NAME].healthy
    assert second[NAME].healthy


async def test_nobody_waits_for_names_for_longer_than_allowed() -> None:
    async def forever(host: str) -> None:
        await asyncio.Event().wait()

    balancers = Balancers(Resolver(lookup=forever))  # type: ignore[arg-type]  # it never answers
    row = upstream_row()
    made = await balancers.make([row], target_rows(row, ["a.invalid:80"]), {})
    await balancers.found(made.values(), 0.05)
    assert not made[NAME].targets.found.is_set()
    balancers.close()


async def test_others_get_their_turn_while_many_are_made() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    task = asyncio.create_task(others())
    rows = [upstream_row(name=f"u{n}.test", hash_on="ip") for n in range(40)]
    targets = [one for row in rows for one in target_rows(row, ["10.0.0.1:80", "10.0.0.2:80"])]
    made = await Balancers(Resolver()).make(rows, targets, {})
    task.cancel()
    assert len(made) == 40
    assert turns > 3
