# SPDX-License-Identifier: Apache-2.0
"""One upstream's peers: their weights, their health, and the threshold."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from gateway.proxy.balancing.balancer import Balancer
from gateway.proxy.balancing.health import PeerState
from gateway.proxy.balancing.peer import PeerId
from gateway.proxy.dns import Dns
from gateway.proxy.resolver import Resolver
from tests.support.balancing import target_rows, upstream_row
from tests.support.dns import Record, dns_server
from tests.support.http import until
from tests.support.waiting import PATIENCE

Health = dict[PeerId, PeerState]


def balancer_of(
    *targets: str | tuple[str, int], health: Health | None = None, **fields: Any
) -> Balancer:
    row = upstream_row(**fields)
    return Balancer(row, target_rows(row, targets), Resolver(), {} if health is None else health)


def ip_of(number: int) -> PeerId:
    return (f"10.0.0.{number}", f"10.0.0.{number}", 80)


def picked(balancer: Balancer, number: int) -> Counter[str]:
    found = [balancer.pick(None, ()) for _ in range(number)]
    return Counter(peer.address.ip for peer in found if peer is not None)


def test_requests_are_shared_out_by_weight_and_none_go_where_it_is_0() -> None:
    balancer = balancer_of(("10.0.0.1:80", 10), ("10.0.0.2:80", 30), ("10.0.0.3:80", 0))
    assert picked(balancer, 400) == {"10.0.0.1": 100, "10.0.0.2": 300}
    assert len(balancer.peers) == 3


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"algorithm": "least-connections"},
        {"algorithm": "latency"},
        {"algorithm": "consistent-hashing"},
        {"hash_on": "ip"},
    ],
)
def test_each_algorithm_is_served(fields: dict[str, Any]) -> None:
    balancer = balancer_of("10.0.0.1:80", "10.0.0.2:80", **fields)
    assert sum(picked(balancer, 20).values()) == 20
    assert balancer_of(**fields).pick(b"x", ()) is None
    assert balancer_of(("10.0.0.1:80", 0), **fields).pick(b"x", ()) is None


def test_unhealthy_peers_get_nothing_until_they_are_healthy_again() -> None:
    health: Health = {ip_of(1): PeerState.UNHEALTHY}
    balancer = balancer_of("10.0.0.1:80", "10.0.0.2:80", health=health)
    assert picked(balancer, 4) == {"10.0.0.2": 4}
    health[ip_of(1)] = PeerState.MOSTLY_UNHEALTHY
    balancer.renew_health()
    assert picked(balancer, 4) == {"10.0.0.2": 4}
    health[ip_of(1)] = PeerState.MOSTLY_HEALTHY
    balancer.renew_health()
    assert picked(balancer, 4) == {"10.0.0.1": 2, "10.0.0.2": 2}
    del health[ip_of(1)]
    balancer.renew_health()
    assert picked(balancer, 4) == {"10.0.0.1": 2, "10.0.0.2": 2}


@pytest.mark.parametrize(
    ("threshold", "healthy"), [(0, True), (24, True), (25, False), (60, False)]
)
def test_below_the_threshold_of_healthy_weight_there_is_no_peer(
    threshold: float, healthy: bool
) -> None:
    health: Health = {ip_of(1): PeerState.UNHEALTHY}
    balancer = balancer_of(
        ("10.0.0.1:80", 75),
        ("10.0.0.2:80", 25),
        health=health,
        healthchecks={"threshold": threshold},
    )
    assert balancer.healthy is healthy
    assert (balancer.pick(None, ()) is not None) is healthy


def test_without_a_healthy_peer_there_is_none() -> None:
    balancer = balancer_of("10.0.0.1:80", health={ip_of(1): PeerState.UNHEALTHY})
    assert not balancer.healthy
    assert balancer.pick(None, ()) is None


def test_only_an_upstream_with_checks_hears_of_requests() -> None:
    assert balancer_of().checks is None
    checks = {"passive": {"unhealthy": {"tcp_failures": 1}}}
    assert balancer_of(healthchecks=checks).checks is not None


def test_a_successor_has_peers_of_its_own_that_remember_how_fast_they_are() -> None:
    before = balancer_of("10.0.0.1:80", algorithm="latency")
    before.peers[0].average = 0.5
    row = upstream_row(algorithm="latency")
    targets = target_rows(row, [("10.0.0.1:80", 0), "10.0.0.2:80"])
    after = Balancer(row, targets, Resolver(), {}, before=before)
    assert [peer.average for peer in after.peers] == [0.5, None]
    assert before.peers[0].weight == 100


async def test_a_peer_that_dns_adds_gets_requests() -> None:
    async with dns_server(a=Record(["192.0.2.1"], 1)) as server:
        row = upstream_row()
        resolver = Resolver(Dns([server.address]))
        balancer = Balancer(row, target_rows(row, ["a.test:80"]), resolver, {})
        assert balancer.pick(None, ()) is None
        balancer.start()
        async with asyncio.timeout(PATIENCE):
            await balancer.targets.found.wait()
            assert picked(balancer, 2) == {"192.0.2.1": 2}
            server.records["a.test"] = Record(["192.0.2.1", "192.0.2.2"], 1)
            await until(lambda: len(balancer.peers) == 2)
        assert picked(balancer, 4) == {"192.0.2.1": 2, "192.0.2.2": 2}
        balancer.close()
        resolver.close()
