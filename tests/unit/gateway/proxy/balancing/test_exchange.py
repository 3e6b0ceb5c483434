# SPDX-License-Identifier: Apache-2.0
"""Requests to several small servers: shared out, sent again elsewhere, given up."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections import Counter
from contextlib import AsyncExitStack
from typing import Any

import pytest

from gateway.pem import load_chain
from gateway.proxy.balancing.exchange import NO_PEER
from gateway.proxy.balancing.health import PeerEvent
from gateway.proxy.dns import Dns
from gateway.proxy.proxy import Proxy
from gateway.proxy.resolver import Resolver
from gateway.proxy.tls import UpstreamTls
from tests.support.authority import Authority
from tests.support.balancing import BalancedApp, balancing
from tests.support.dns import Record, dns_server
from tests.support.http import Running, Wire, get, post, until
from tests.support.ports import free_ports
from tests.support.upstream import BAD_GATEWAY, Script, Scripted, answering, ok, take, upstream
from tests.support.waiting import PATIENCE

CHECKED = {
    "passive": {
        "healthy": {"successes": 1},
        "unhealthy": {"http_failures": 1, "tcp_failures": 1, "timeouts": 1},
    }
}


async def bodies(running: Running, number: int, request: bytes = get()) -> Counter[bytes]:
    wire = await running.connect()
    return Counter([(await wire.ask(request)).body for _ in range(number)])


def naming(*names: bytes) -> list[Script]:
    return [answering(ok(name)) for name in names]


async def started(stack: AsyncExitStack, *scripts: Script) -> list[Scripted]:
    return [await stack.enter_async_context(upstream(script)) for script in scripts]


async def closing(wire: Wire) -> None:
    """Take a request and close the connection."""
    await take(wire)


async def silent(wire: Wire) -> None:
    await take(wire)
    await asyncio.Event().wait()


async def test_requests_are_shared_out_by_weight() -> None:
    async with AsyncExitStack() as stack:
        one, two, three = await started(stack, *naming(b"1", b"2", b"3"))
        targets = [
            (f"127.0.0.1:{server.port}", weight)
            for server, weight in ((one, 10), (two, 30), (three, 0))
        ]
        running = await stack.enter_async_context(balancing(BalancedApp(targets)))
        assert await bodies(running, 40) == {b"1": 10, b"2": 30}


@pytest.mark.parametrize(
    "fields", [{}, {"algorithm": "least-connections"}, {"algorithm": "latency"}, {"hash_on": "ip"}]
)
async def test_a_target_that_is_gone_costs_no_request(fields: dict[str, Any]) -> None:
    (gone,) = free_ports(1)
    async with AsyncExitStack() as stack:
        one, two = await started(stack, *naming(b"1", b"2"))
        app = BalancedApp([one.port, two.port, gone], **fields)
        running = await stack.enter_async_context(balancing(app))
        found = await bodies(running, 12)
        assert sum(found[name] for name in (b"1", b"2")) == 12


async def test_no_target_is_tried_twice_for_a_request() -> None:
    async with AsyncExitStack() as stack:
        servers = await started(stack, closing, closing, closing)
        app = BalancedApp([server.port for server in servers], service={"retries": 10})
        running = await stack.enter_async_context(balancing(app))
        received = await running.once(get())
        assert (received.status, received.body) == (502, BAD_GATEWAY)
        assert [server.connections for server in servers] == [1, 1, 1]


async def test_retries_end_where_the_service_says() -> None:
    async with AsyncExitStack() as stack:
        servers = await started(stack, closing, closing, closing)
        app = BalancedApp([server.port for server in servers], service={"retries": 1})
        running = await stack.enter_async_context(balancing(app))
        assert (await running.once(get())).status == 502
        assert sum(server.connections for server in servers) == 2


async def test_a_request_that_may_not_come_twice_is_not_repeated() -> None:
    async with AsyncExitStack() as stack:
        servers = await started(stack, closing, closing)
        app = BalancedApp([server.port for server in servers])
        running = await stack.enter_async_context(balancing(app))
        assert (await running.once(post(b"x"))).status == 502
        assert sum(server.connections for server in servers) == 1


async def test_one_that_was_not_sent_is_whatever_its_method() -> None:
    (gone,) = free_ports(1)
    async with AsyncExitStack() as stack:
        (one,) = await started(stack, *naming(b"1"))
        running = await stack.enter_async_context(balancing(BalancedApp([gone, one.port])))
        assert await bodies(running, 4, post(b"x")) == {b"1": 4}


async def test_a_slow_target_is_left_for_another() -> None:
    async with AsyncExitStack() as stack:
        slow, one = await started(stack, silent, *naming(b"1"))
        app = BalancedApp([slow.port, one.port], service={"read_timeout": 100})
        running = await stack.enter_async_context(balancing(app))
        assert await bodies(running, 4) == {b"1": 4}
        assert slow.connections > 0


async def test_with_nobody_left_a_timeout_is_a_504() -> None:
    async with AsyncExitStack() as stack:
        (slow,) = await started(stack, silent)
        app = BalancedApp([slow.port], service={"read_timeout": 50})
        running = await stack.enter_async_context(balancing(app))
        assert (await running.once(get())).status == 504


async def test_without_targets_it_is_a_503_in_kongs_words() -> None:
    async with balancing(BalancedApp([])) as running:
        received = await running.once(get())
        assert received.status == 503
        assert json.loads(received.body)["message"] == NO_PEER


async def test_a_target_without_an_address_is_none() -> None:
    async with dns_server() as server:
        resolver = Resolver(Dns([server.address]))
        proxy = Proxy(asyncio.get_running_loop(), resolver=resolver)
        async with balancing(BalancedApp(["none.test:80"], proxy=proxy)) as running:
            received = await running.once(get())
            assert json.loads(received.body)["message"] == NO_PEER


async def test_a_request_waits_for_the_first_look_up() -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(dns_server(a=Record(["127.0.0.1"], 60)))
        (one,) = await started(stack, *naming(b"1"))
        resolver = Resolver(Dns([server.address]))
        proxy = Proxy(asyncio.get_running_loop(), resolver=resolver)
        app = BalancedApp([f"a.test:{one.port}"], proxy=proxy)
        assert not app.balancer.targets.found.is_set()
        pending = asyncio.ensure_future(_answered(app))
        assert (await asyncio.wait_for(pending, PATIENCE)) == {b"1": 1}


async def _answered(app: BalancedApp) -> Counter[bytes]:
    async with balancing(app) as running:
        return await bodies(running, 1)


async def test_the_same_value_goes_to_the_same_target() -> None:
    async with AsyncExitStack() as stack:
        servers = await started(stack, *naming(b"1", b"2", b"3"))
        app = BalancedApp(
            [server.port for server in servers], hash_on="header", hash_on_header="X-User"
        )
        running = await stack.enter_async_context(balancing(app))
        places = set()
        for user in range(20):
            request = b"GET / HTTP/1.1\r\nHost: a\r\nX-User: %d\r\n\r\n" % user
            (body,) = await bodies(running, 3, request)
            places.add(body)
        assert places == {b"1", b"2", b"3"}


async def test_a_client_is_brought_back_by_its_cookie() -> None:
    async with AsyncExitStack() as stack:
        servers = await started(stack, *naming(b"1", b"2", b"3"))
        app = BalancedApp(
            [server.port for server in servers], hash_on="cookie", hash_on_cookie="place"
        )
        running = await stack.enter_async_context(balancing(app))
        for _ in range(5):
            wire = await running.connect()
            first = await wire.ask(get())
            pair, *attributes = first.headers["set-cookie"].split("; ")
            assert attributes == ["Path=/", "SameSite=Lax", "HttpOnly"]
            again = b"GET / HTTP/1.1\r\nHost: a\r\nCookie: %b\r\n\r\n" % pair.encode()
            second = await wire.ask(again)
            assert second.body == first.body
            assert "set-cookie" not in second.headers


async def test_a_busy_target_gets_less_by_least_connections() -> None:
    held = asyncio.Event()
    busy: list[bytes] = []

    async def holding(wire: Wire) -> None:
        while True:
            await take(wire)
            busy.append(b"x")
            await held.wait()
            await wire.send(ok(b"held"))

    async with AsyncExitStack() as stack:
        one, two = await started(stack, holding, *naming(b"2"))
        app = BalancedApp([one.port, two.port], algorithm="least-connections")
        running = await stack.enter_async_context(balancing(app))
        wires = [await running.connect() for _ in range(2)]
        for wire in wires:
            await wire.send(get())
        await until(lambda: busy)
        assert await bodies(running, 6) == {b"2": 6}
        held.set()
        for wire in wires:
            await wire.response()
        await until(lambda: all(peer.open == 0 for peer in app.balancer.peers))


async def test_a_client_that_leaves_frees_its_target() -> None:
    async with AsyncExitStack() as stack:
        (slow,) = await started(stack, silent)
        app = BalancedApp([slow.port], algorithm="least-connections")
        running = await stack.enter_async_context(balancing(app))
        wire = await running.connect()
        await wire.send(get())
        await until(lambda: app.balancer.peers[0].open == 1)
        wire.reset()
        await until(lambda: app.balancer.peers[0].open == 0)


async def test_requests_report_how_their_targets_are() -> None:
    failing = b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n"
    found: list[tuple[Script, PeerEvent, dict[str, Any]]] = [
        (answering(failing), PeerEvent.HTTP_FAILURE, {}),
        (closing, PeerEvent.TCP_FAILURE, {}),
        (silent, PeerEvent.TIMEOUT, {"read_timeout": 50}),
    ]
    for script, event, service in found:
        async with AsyncExitStack() as stack:
            (server,) = await started(stack, script)
            app = BalancedApp([server.port], healthchecks=CHECKED, service=service)
            running = await stack.enter_async_context(balancing(app))
            await running.once(get())
            (report,) = app.reports
            assert report.upstream == app.balancer.id
            assert (report.peer, report.event) == (app.balancer.peers[0].id, event)


async def test_a_refused_connection_is_reported() -> None:
    (gone,) = free_ports(1)
    app = BalancedApp([gone], healthchecks=CHECKED)
    async with balancing(app) as running:
        assert (await running.once(get())).status == 502
    assert [report.event for report in app.reports] == [PeerEvent.TCP_FAILURE]


async def test_a_kept_connection_that_was_closed_is_no_failure_of_its_target() -> None:
    """The server closes when the second request comes, as one does that just timed out."""

    async def once(wire: Wire) -> None:
        await take(wire)
        await wire.send(ok(b"1"))
        await take(wire)

    async with AsyncExitStack() as stack:
        (server,) = await started(stack, once)
        app = BalancedApp([server.port], healthchecks=CHECKED)
        running = await stack.enter_async_context(balancing(app))
        assert await bodies(running, 4) == {b"1": 4}
        assert app.reports == []


async def test_the_host_is_the_targets_and_the_clients_where_it_is_kept() -> None:
    seen: list[tuple[bytes, bytes]] = []
    async with AsyncExitStack() as stack:
        (server,) = await started(stack, answering(ok(), seen))
        routes: list[dict[str, Any]] = [{}, {"preserve_host": True}]
        for route in routes:
            app = BalancedApp([f"localhost:{server.port}"], route=route)
            async with balancing(app) as running:
                await running.once(b"GET / HTTP/1.1\r\nHost: Client.test:81\r\n\r\n")
    assert b"\r\nHost: localhost:%d\r\n" % server.port in seen[0][0]
    assert b"\r\nHost: Client.test:81\r\n" in seen[1][0]


async def test_a_tunnel_is_under_way_until_it_ends() -> None:
    switched = (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
    )
    lines = (b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13")

    async def script(wire: Wire) -> None:
        await take(wire)
        await wire.send(switched)
        await wire.rest()

    async with AsyncExitStack() as stack:
        (server,) = await started(stack, script)
        app = BalancedApp([server.port], algorithm="least-connections")
        running = await stack.enter_async_context(balancing(app))
        wire = await running.connect()
        await wire.send(get(b"/", *lines, b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="))
        status, _, _ = await wire.head()
        assert (status, app.balancer.peers[0].open) == (101, 1)
        wire.reset()
        await until(lambda: app.balancer.peers[0].open == 0)


@pytest.mark.parametrize(
    ("service", "shown", "status"),
    [
        ({}, "client", 200),
        ({"client_certificate": "client"}, "other", 200),
        ({"client_certificate": "other"}, "client", 502),
        ({}, None, 502),
    ],
)
async def test_targets_are_verified_and_shown_the_services_certificate_or_the_upstreams(
    service: dict[str, Any], shown: str | None, status: int
) -> None:
    authority, strange = Authority(), Authority("strange")
    certificates = {"client": authority.issue("a"), "other": strange.issue("b")}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load_chain(context, *authority.issue("localhost", server=True))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=authority.pem)
    tls = UpstreamTls(certificates.get, lambda _: authority.pem)
    fields = {"protocol": "https", "retries": 0, "ca_certificates": ["a"], **service}
    async with upstream(answering(ok()), context) as origin:
        targets = [f"localhost:{origin.port}"]
        app = BalancedApp(targets, tls=tls, service=fields, certificate=shown)
        async with balancing(app) as running:
            assert (await running.once(get())).status == status
