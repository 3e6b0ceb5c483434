# SPDX-License-Identifier: Apache-2.0
"""What a service's row is compiled to."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.proxy.tls import UpstreamTls
from gateway.proxy.upstream import ProxyUpstream
from tests.support.requests import request_of
from tests.support.upstream import ProxyApp, answering, ok, proxying, upstream


async def test_preserve_host_sends_the_hosts_own_bytes() -> None:
    seen: list[tuple[bytes, bytes]] = []
    async with upstream(answering(ok(), seen)) as origin:
        app = ProxyApp(origin.port, route={"preserve_host": True})
        async with proxying(app) as running:
            await running.once(b"GET / HTTP/1.1\r\nHost: ExAmple:81\r\n\r\n")
    assert b"\r\nHost: ExAmple:81\r\n" in seen[0][0]


@pytest.mark.parametrize(
    ("service", "host"),
    [
        ({"host": "a", "port": 80}, b"a"),
        ({"host": "a", "port": 8080}, b"a:8080"),
        ({"host": "a", "port": 443, "protocol": "https"}, b"a"),
        ({"host": "a", "port": 80, "protocol": "https"}, b"a:80"),
        ({"host": "::1", "port": 81}, b"[::1]:81"),
        ({"host": "[::1]", "port": 81}, b"[::1]:81"),
    ],
)
def test_the_upstream_is_asked_for_by_its_own_name(service: dict[str, Any], host: bytes) -> None:
    made = ProxyUpstream({}, service, UpstreamTls())
    assert made.host_for(request_of(host=b"client.test")) == host


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_an_address_may_be_in_brackets(host: str) -> None:
    assert ProxyUpstream({}, {"host": host, "port": 81}, UpstreamTls()).key.host == "::1"


def test_times_are_seconds_and_have_kongs_defaults() -> None:
    service = {"host": "a", "port": 80, "read_timeout": 1500, "retries": 0}
    made = ProxyUpstream({}, service, UpstreamTls())
    assert (made.retries, made.connect_timeout, made.read_timeout) == (0, 60, 1.5)
