# SPDX-License-Identifier: Apache-2.0
"""TTLs of a real server are honoured; one that is silent or gone does not hold requests up."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path

import aiodns
import pytest
import uvloop
from pycares import AresError

from gateway.errors import UpstreamError
from gateway.proxy.dns import Dns, DnsAnswer
from gateway.proxy.resolver import Resolver
from tests.support.dns import DnsServer, Record, dns_server
from tests.support.http import passing, until
from tests.support.waiting import PATIENCE

ONE = "192.0.2.1"


def run(check: Callable[[], Coroutine[None, None, None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(PATIENCE):
            await check()

    uvloop.run(bounded())


async def times_until_asked_again(server: DnsServer, resolver: Resolver, name: str) -> float:
    """Go on using the name; return the seconds between the first query and the second."""
    count = server.count(name)
    first = server.asked[-1][1]
    while server.count(name) == count:
        assert await resolver.resolve(name) == ONE
        await passing(0.005)
    resolver.close()
    return server.asked[-1][1] - first


async def test_addresses_come_with_the_ttl_of_the_record() -> None:
    async with dns_server(a=Record([ONE, "192.0.2.2"], 300)) as server:
        dns = Dns([server.address])
        answer = await dns.ask("a.test")
        assert sorted(answer.addresses) == [ONE, "192.0.2.2"]
        assert answer.ttl == 300
        dns.close()


async def test_an_alias_that_changes_earlier_counts() -> None:
    async with dns_server(a=Record([ONE], 300, alias="b.test", alias_ttl=5)) as server:
        dns = Dns([server.address])
        assert await dns.ask("a.test") == DnsAnswer((ONE,), 5)
        dns.close()


@pytest.mark.parametrize("ttl", [0, 1])
async def test_a_name_is_asked_for_again_after_its_ttl_and_a_second_at_least(ttl: int) -> None:
    async with dns_server(a=Record([ONE], ttl)) as server:
        resolver = Resolver(Dns([server.address]))
        await asyncio.gather(*(resolver.resolve("a.test") for _ in range(20)))
        assert server.count("a.test") == 1
        # The loop's clock counts whole milliseconds.
        assert 0.99 < await times_until_asked_again(server, resolver, "a.test") < 60


async def test_a_ttl_of_ones_own_is_held_instead_of_the_records() -> None:
    async with dns_server(a=Record([ONE], 3600)) as server:
        resolver = Resolver(Dns([server.address], valid_ttl=1))
        await resolver.resolve("a.test")
        assert 0.99 < await times_until_asked_again(server, resolver, "a.test") < 60

    async with dns_server(a=Record([ONE], 1)) as server:
        dns = Dns([server.address], valid_ttl=600)
        assert await dns.ask("a.test") == DnsAnswer((ONE,), 600)
        dns.close()


async def test_a_name_that_does_not_exist_is_a_503_until_it_does() -> None:
    async with dns_server() as server:
        resolver = Resolver(Dns([server.address], not_found_ttl=0.05))
        with pytest.raises(UpstreamError, match="name resolution failed") as caught:
            await resolver.resolve("a.test")
        assert caught.value.status == 503
        server.records["a.test"] = Record([ONE], 60)

        loop = asyncio.get_running_loop()
        end = loop.time() + 0.06
        await until(lambda: loop.time() > end)
        assert await resolver.resolve("a.test") == ONE
        resolver.close()


async def test_a_name_without_addresses_is_a_503() -> None:
    async with dns_server(a=Record([], 60)) as server:
        resolver = Resolver(Dns([server.address]))
        with pytest.raises(UpstreamError, match="name resolution failed"):
            await resolver.resolve("a.test")
        resolver.close()


@pytest.mark.parametrize("gone", [True, False], ids=["gone", "silent"])
async def test_without_a_server_it_is_a_503_in_bounded_time(gone: bool) -> None:
    loop = asyncio.get_running_loop()
    async with dns_server() as server:
        resolver = Resolver(Dns([server.address], patience=0.1))
        server.silent = True
        if gone:
            server.stop()
        started = loop.time()
        with pytest.raises(UpstreamError, match="name resolution failed") as caught:
            await resolver.resolve("a.test")
        assert caught.value.status == 503
        assert loop.time() - started < 30
        resolver.close()


async def test_the_deadline_holds_whatever_the_servers_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.proxy.dns._DEADLINE", 0.05)
    async with dns_server() as server:
        server.silent = True
        dns = Dns([server.address], patience=20)
        with pytest.raises(TimeoutError):
            await dns.ask("a.test")
        dns.close()


async def test_the_next_server_is_asked_when_the_first_is_silent() -> None:
    async with dns_server() as dead, dns_server(a=Record([ONE], 60)) as server:
        dead.silent = True
        dns = Dns([dead.address, server.address], patience=0.1)
        assert await dns.ask("a.test") == DnsAnswer((ONE,), 60)
        dns.close()


async def test_old_addresses_are_used_when_the_server_is_gone() -> None:
    async with dns_server(a=Record([ONE], 0)) as server:
        dns = Dns([server.address], patience=0.1)
        failures = 0

        async def lookup(host: str) -> DnsAnswer:
            nonlocal failures
            try:
                return (await dns.ask(host))._replace(ttl=0)
            except OSError:
                failures += 1
                raise

        resolver = Resolver(dns, lookup=lookup, error_ttl=0.01)
        assert await resolver.resolve("a.test") == ONE
        server.stop()
        while failures < 3:
            assert await resolver.resolve("a.test") == ONE
            await passing(0.005)
        resolver.close()


@pytest.mark.parametrize("name", ["localhost", "LocalHost"])
async def test_localhost_is_known_without_a_server(name: str) -> None:
    async with dns_server() as server:
        server.silent = True
        system = {str(one[4][0]) for one in socket.getaddrinfo("localhost", None)}
        resolver = Resolver(Dns([server.address]))
        assert await resolver.resolve(name) in system
        resolver.close()
        assert not server.asked


def _own_name() -> str:
    """Return a name of this machine's hosts file that is not localhost, or none."""
    for line in Path("/etc/hosts").read_text().splitlines():
        address, *names = line.split("#")[0].split() or [""]
        for name in names:
            if "localhost" not in name and address.startswith("127."):
                return name
    return ""


@pytest.mark.skipif(not _own_name(), reason="the hosts file has no name but localhost")
async def test_the_hosts_file_is_read() -> None:
    async with dns_server() as server:
        resolver = Resolver(Dns([server.address]))
        assert (await resolver.resolve(_own_name())).startswith("127.")
        assert not server.asked
        resolver.close()


async def test_the_systems_resolver_takes_over_where_c_ares_cannot_be_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AresError("no more threads")

    answer = DnsAnswer((ONE,), 30)

    async def ask(host: str) -> DnsAnswer:
        return answer

    monkeypatch.setattr("gateway.proxy.dns.DNSResolver", refuse)
    monkeypatch.setattr("gateway.proxy.dns._ask_system", ask)
    assert await Dns().ask("a.test") == answer


async def test_closing_ends_what_is_under_way() -> None:
    async with dns_server() as server:
        server.silent = True
        resolver = Resolver(Dns([server.address], patience=20))
        waiting = asyncio.ensure_future(resolver.resolve("a.test"))
        await until(lambda: server.asked)
        resolver.close()
        with pytest.raises(UpstreamError, match="name resolution failed"):
            await waiting


def test_a_loop_that_ends_takes_its_look_ups_along() -> None:
    channels: list[aiodns.DNSResolver] = []

    async def check() -> None:
        async with dns_server() as server:
            server.silent = True
            dns = Dns([server.address], patience=0.1)
            resolver = Resolver(dns)
            waiting = asyncio.ensure_future(resolver.resolve("a.test"))
            await until(lambda: server.asked)
            assert dns._channel is not None
            channels.append(dns._channel)
            waiting.cancel()

    run(check)
    # All callbacks were made while the loop lived; c-ares waits for none of them.
    assert channels[0]._channel.wait(0)


async def test_services_come_with_the_ttl_of_their_records() -> None:
    services = [(1, 5, 8001, "one.test"), (2, 0, 8002, "two.test")]
    async with dns_server(s=Record([], 300, services=services)) as server:
        dns = Dns([server.address])
        answer = await dns.services("s.test")
        assert (sorted(answer.records), answer.ttl) == (services, 300)
        dns.close()


async def test_a_name_without_services_has_none() -> None:
    async with dns_server(a=Record([ONE], 300)) as server:
        dns = Dns([server.address], not_found_ttl=7)
        for name in ("a.test", "none.test", "localhost"):
            assert await dns.services(name) == ((), 7)
        dns.close()


async def test_services_of_a_server_that_is_gone_are_an_error() -> None:
    async with dns_server() as server:
        address = server.address
    dns = Dns([address], patience=0.1)
    with pytest.raises(OSError):
        await dns.services("s.test")
    dns.close()
