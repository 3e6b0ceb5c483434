# SPDX-License-Identifier: Apache-2.0
"""Targets are found by real DNS, and followed when it changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.proxy.balancing.discovery import TargetList
from gateway.proxy.balancing.peer import TargetAddress
from gateway.proxy.dns import Dns
from gateway.proxy.resolver import Resolver
from tests.support.balancing import target_rows, upstream_row
from tests.support.dns import DnsServer, Record, dns_server
from tests.support.http import until
from tests.support.waiting import PATIENCE


@asynccontextmanager
async def looked_up(
    server: DnsServer | None, *targets: str | tuple[str, int]
) -> AsyncIterator[TargetList]:
    resolver = Resolver(Dns([server.address] if server is not None else [], not_found_ttl=1))
    found = TargetList(target_rows(upstream_row(), targets), resolver)
    found.start()
    async with asyncio.timeout(PATIENCE):
        await found.found.wait()
    try:
        yield found
    finally:
        found.close()
        resolver.close()


def addresses(found: TargetList) -> list[TargetAddress]:
    return [one for target in found.targets for one in target.addresses]


async def test_an_address_is_found_without_dns() -> None:
    rows = target_rows(upstream_row(), ["10.0.0.1:81", ("[::1]:82", 5), "10.0.0.2"])
    found = TargetList(rows, Resolver())
    assert found.found.is_set()
    assert addresses(found) == [
        TargetAddress("10.0.0.1", "10.0.0.1", 81, 100),
        TargetAddress("::1", "::1", 82, 5),
        TargetAddress("10.0.0.2", "10.0.0.2", 8000, 100),
    ]
    assert [one.shown for one in addresses(found)] == ["10.0.0.1:81", "[::1]:82", "10.0.0.2:8000"]


async def test_each_address_of_a_name_has_the_targets_weight() -> None:
    async with (
        dns_server(a=Record(["192.0.2.2", "192.0.2.1"], 60)) as server,
        looked_up(server, ("a.test:80", 7)) as found,
    ):
        assert addresses(found) == [
            TargetAddress("a.test", "192.0.2.1", 80, 7),
            TargetAddress("a.test", "192.0.2.2", 80, 7),
        ]
        assert found.targets[0].dns == "A"


async def test_srv_records_say_port_and_weight_and_the_first_priority_counts() -> None:
    services = [(1, 30, 9001, "one.test"), (1, 0, 0, "192.0.2.9"), (2, 90, 9003, "two.test")]
    async with (
        dns_server(
            s=Record(["192.0.2.8"], 60, services=services),
            one=Record(["192.0.2.1"], 60),
            two=Record(["192.0.2.2"], 60),
        ) as server,
        looked_up(server, "s.test:80") as found,
    ):
        assert addresses(found) == [
            TargetAddress("s.test", "192.0.2.1", 9001, 30, "one.test"),
            TargetAddress("s.test", "192.0.2.9", 80, 1, "192.0.2.9"),
        ]
        assert found.targets[0].dns == "SRV"


async def test_a_target_without_weight_gets_nothing_by_srv_either() -> None:
    services = [(1, 30, 9001, "192.0.2.1")]
    async with (
        dns_server(s=Record([], 60, services=services)) as server,
        looked_up(server, ("s.test:80", 0)) as found,
    ):
        assert [one.weight for one in addresses(found)] == [0]


async def test_a_name_that_is_not_there_has_no_address() -> None:
    async with dns_server() as server, looked_up(server, "a.test:80", "10.0.0.1:80") as found:
        assert [one.host for one in addresses(found)] == ["10.0.0.1"]
        assert "name error" in found.targets[0].dns


async def test_changes_are_found_when_the_ttl_is_over() -> None:
    async with dns_server(a=Record(["192.0.2.1"], 1)) as server:
        resolver = Resolver(Dns([server.address]))
        changes: list[list[str]] = []
        found = TargetList(
            target_rows(upstream_row(), ["a.test:80"]),
            resolver,
            lambda: changes.append([one.ip for one in addresses(found)]),
        )
        found.start()
        await until(lambda: changes == [["192.0.2.1"]])
        server.records["a.test"] = Record(["192.0.2.3"], 1)
        await until(lambda: changes == [["192.0.2.1"], ["192.0.2.3"]])
        found.close()
        resolver.close()


async def test_addresses_stay_while_dns_is_away() -> None:
    async with (
        dns_server(a=Record(["192.0.2.1"], 1)) as server,
        looked_up(server, "a.test:80") as found,
    ):
        server.silent = True
        asked = server.count("a.test")
        await until(lambda: server.count("a.test") > asked + 1)
        assert [one.ip for one in addresses(found)] == ["192.0.2.1"]


async def test_localhost_is_known_without_a_server() -> None:
    async with looked_up(None, "localhost:80") as found:
        assert "127.0.0.1" in [one.ip for one in addresses(found)]
