# SPDX-License-Identifier: Apache-2.0
"""The word of a proxy in front, over a real socket."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from gateway.http.forwarded import TrustedProxies
from tests.support.http import App, get, serving


@pytest.mark.parametrize(
    ("networks", "options", "lines", "expected"),
    [
        ((), {}, [b"X-Real-IP: 9.9.9.9"], "127.0.0.1"),
        (("10.0.0.0/8",), {}, [b"X-Real-IP: 9.9.9.9"], "127.0.0.1"),
        (("127.0.0.1",), {}, [b"X-Real-IP: 9.9.9.9"], "9.9.9.9"),
        (("0.0.0.0/0", "::/0"), {}, [b"X-Real-IP: ::ffff:9.9.9.9"], "9.9.9.9"),
        (("127.0.0.0/8",), {}, [b"X-Real-IP: nonsense"], "127.0.0.1"),
        (
            ("127.0.0.0/8", "10.0.0.0/8"),
            {"real_ip_header": "X-Forwarded-For"},
            [b"X-Forwarded-For: 8.8.8.8, 10.1.1.1"],
            "10.1.1.1",
        ),
        (
            ("127.0.0.0/8", "10.0.0.0/8"),
            {"real_ip_header": "X-Forwarded-For", "recursive": True},
            [b"X-Forwarded-For: 7.7.7.7", b"X-Forwarded-For: 8.8.8.8:99, 10.1.1.1"],
            "8.8.8.8",
        ),
    ],
)
async def test_only_a_trusted_peer_says_who_the_client_is(
    networks: tuple[str, ...], options: dict[str, Any], lines: list[bytes], expected: str
) -> None:
    app = App()
    trusted = TrustedProxies(map(ip_network, networks), **options)
    async with serving(app, trusted=trusted) as running:
        wire = await running.connect()
        for _ in range(2):
            await wire.ask(get(b"/", *lines))
        assert [request.client_ip for request in app.seen] == [expected] * 2


async def test_a_trusted_peer_says_scheme_host_and_port() -> None:
    app = App()
    lines = [b"X-Forwarded-Proto: HTTPS", b"X-Forwarded-Host: b", b"X-Forwarded-Port: 444"]
    for networks in (("127.0.0.1",), ()):
        async with serving(app, trusted=TrustedProxies(map(ip_network, networks))) as running:
            await running.once(get(b"/", *lines))
    told, kept = app.seen
    assert (told.forwarded_proto, told.forwarded_host, told.forwarded_port) == (
        "https",
        b"b",
        444,
    )
    assert (kept.forwarded_proto, kept.forwarded_host) == ("http", None)
    assert kept.forwarded_port == running.port


CLAIMS = [
    b"X-Consumer-Id",
    b"x_consumer_username",
    b"X-Consumer_Groups",
    b"X-CREDENTIAL-IDENTIFIER",
]
CLAIMS += [b"X-Anonymous-Consumer", b"X-Consumer-Custom-ID", b"X-Authenticated-Groups"]


@pytest.mark.parametrize(
    ("networks", "identity", "kept"),
    [([], True, False), (["127.0.0.1"], False, False), (["127.0.0.1"], True, True)],
)
async def test_only_a_peer_that_is_trusted_with_it_says_who_the_consumer_is(
    networks: list[str], identity: bool, kept: bool
) -> None:
    app = App()
    trusted = TrustedProxies(map(ip_network, networks), identity=identity)
    async with serving(app, trusted=trusted) as running:
        await running.once(get(b"/", b"X-Own: 1", *(name + b": eve" for name in CLAIMS)))
    names = [name for name, _ in app.seen[0].headers]
    assert b"x-own" in names
    assert [name.lower() in names for name in CLAIMS] == [kept] * len(CLAIMS)
