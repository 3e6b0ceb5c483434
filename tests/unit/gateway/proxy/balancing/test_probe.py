# SPDX-License-Identifier: Apache-2.0
"""One probe of a real server, whatever that does."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest

from gateway.pem import load_chain
from gateway.proxy.balancing.health import PeerEvent
from gateway.proxy.balancing.peer import TargetAddress
from gateway.proxy.balancing.probe import TargetProbe
from gateway.proxy.tls import UpstreamTls
from tests.support.authority import Authority
from tests.support.balancing import upstream_row
from tests.support.http import Wire
from tests.support.ports import free_ports
from tests.support.upstream import Script, take, upstream


def probe(
    tls: ssl.SSLContext | None = None, host_header: str | None = None, **active: Any
) -> TargetProbe:
    fields = {"timeout": 5, **active}
    row = upstream_row(healthchecks={"active": fields}, host_header=host_header)
    return TargetProbe(row, tls)


def at(port: int, host: str = "127.0.0.1") -> TargetAddress:
    return TargetAddress(host, "127.0.0.1", port, 100)


def saying(line: bytes) -> Script:
    async def script(wire: Wire) -> None:
        await take(wire)
        await wire.send(line)

    return script


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", PeerEvent.SUCCESS),
        (b"HTTP/1.0 302 Found\r\n\r\n", PeerEvent.SUCCESS),
        (b"HTTP/1.1 500 X\r\n\r\n", PeerEvent.HTTP_FAILURE),
        (b"HTTP/1.1 404 X\r\n\r\n", PeerEvent.HTTP_FAILURE),
        (b"HTTP/1.1 201 X\r\n\r\n", None),
        (b"no HTTP at all\r\n", PeerEvent.HTTP_FAILURE),
        (b"x" * 20000, PeerEvent.HTTP_FAILURE),
        (b"", PeerEvent.TCP_FAILURE),
        (b"HTTP/1.1 20", PeerEvent.TCP_FAILURE),
    ],
)
async def test_the_status_line_is_what_counts(line: bytes, event: PeerEvent | None) -> None:
    async with upstream(saying(line)) as origin:
        assert await probe().run(at(origin.port)) is event


async def test_statuses_count_as_configured() -> None:
    made = probe(healthy={"http_statuses": [500]}, unhealthy={"http_statuses": [200]})
    for status, event in ((500, PeerEvent.SUCCESS), (200, PeerEvent.HTTP_FAILURE), (404, None)):
        async with upstream(saying(b"HTTP/1.1 %d X\r\n\r\n" % status)) as origin:
            assert await made.run(at(origin.port)) is event


async def test_a_silent_server_is_a_timeout_and_a_gone_one_a_failure() -> None:
    async def silent(wire: Wire) -> None:
        await asyncio.Event().wait()

    async with upstream(silent) as origin:
        assert await probe(timeout=0.05).run(at(origin.port)) is PeerEvent.TIMEOUT
    (gone,) = free_ports(1)
    assert await probe().run(at(gone)) is PeerEvent.TCP_FAILURE


async def test_by_tcp_a_connection_is_enough() -> None:
    async def silent(wire: Wire) -> None:
        await asyncio.Event().wait()

    async with upstream(silent) as origin:
        assert await probe(type="tcp").run(at(origin.port)) is PeerEvent.SUCCESS
    (gone,) = free_ports(1)
    assert await probe(type="tcp").run(at(gone)) is PeerEvent.TCP_FAILURE


@pytest.mark.parametrize(
    ("fields", "host", "lines"),
    [
        ({}, "a.test", [b"GET / HTTP/1.0", b"Host: a.test", b"Connection: close"]),
        ({}, "::1", [b"Host: [::1]"]),
        ({"host_header": "own.test:1"}, "a.test", [b"Host: own.test:1"]),
        ({"http_path": "/up"}, "a.test", [b"GET /up HTTP/1.0"]),
        ({"headers": {"X-A": ["1", "2"]}}, "a.test", [b"X-A: 1", b"X-A: 2", b"Host: a.test"]),
        ({"headers": {"Host": ["other.test"]}}, "a.test", [b"Host: other.test"]),
    ],
)
async def test_what_is_asked_is_as_configured(
    fields: dict[str, Any], host: str, lines: list[bytes]
) -> None:
    seen: list[bytes] = []

    async def script(wire: Wire) -> None:
        head, _ = await take(wire)
        seen.extend(head.split(b"\r\n"))
        await wire.send(b"HTTP/1.1 200 OK\r\n\r\n")

    async with upstream(script) as origin:
        assert await probe(**fields).run(at(origin.port, host)) is PeerEvent.SUCCESS
    assert set(lines) <= set(seen)
    assert sum(line.lower().startswith(b"host:") for line in seen) == 1


async def test_by_https_the_certificate_counts_for_the_name_that_is_configured() -> None:
    authority = Authority()
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load_chain(shown, *authority.issue("a.test", server=True))

    def context(verify: bool) -> ssl.SSLContext:
        service = {"name": "s", "tls_verify": verify}
        return UpstreamTls(sources=(authority.pem,)).context(service)

    script = saying(b"HTTP/1.1 200 OK\r\n\r\n")
    async with upstream(script, shown) as origin:
        for host, sni, verify, event in (
            ("a.test", None, True, PeerEvent.SUCCESS),
            ("b.test", None, True, PeerEvent.TCP_FAILURE),
            ("b.test", "a.test", True, PeerEvent.SUCCESS),
            ("b.test", None, False, PeerEvent.SUCCESS),
        ):
            made = probe(context(verify), type="https", https_sni=sni)
            assert await made.run(at(origin.port, host)) is event


async def test_a_certificate_is_no_use_for_probes_by_http() -> None:
    async with upstream(saying(b"HTTP/1.1 200 OK\r\n\r\n")) as origin:
        made = probe(ssl.create_default_context(), type="http")
        assert await made.run(at(origin.port)) is PeerEvent.SUCCESS
