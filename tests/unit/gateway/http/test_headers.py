# SPDX-License-Identifier: Apache-2.0
"""A client's word never passes for the gateway's, and does not take the gateway's away."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from gateway.http.forwarded import TrustedProxies
from gateway.http.headers import IDENTITY, spellings
from tests.support.http import App, get, serving
from tests.support.requests import request_of

CLAIMS = [
    b"X-Consumer-Id",
    b"x_consumer_username",
    b"X-Consumer_Groups",
    b"X-CREDENTIAL-IDENTIFIER",
]
CLAIMS += [b"X-Anonymous-Consumer", b"X-Consumer-Custom-ID", b"X-Authenticated-Groups"]


def test_a_name_is_spelled_with_hyphens_and_underscores() -> None:
    assert set(spellings(b"a_b-c")) == {b"a-b-c", b"a_b-c", b"a-b_c", b"a_b_c"}
    assert {b"x-consumer-id", b"x_consumer-id", b"x_consumer_id"} <= IDENTITY


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


def test_what_a_plugin_puts_takes_the_place_of_the_clients() -> None:
    request = request_of(headers=[(b"x_tenant-id", b"eve's"), (b"x-tenant", b"kept")])
    request.put_headers([(b"x-tenant-id", b"ours")])
    assert request.headers == [(b"x-tenant", b"kept"), (b"x-tenant-id", b"ours")]
    assert request.own_headers == {b"x-tenant-id"}
