# SPDX-License-Identifier: Apache-2.0
"""TLS to upstreams."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest

from gateway.errors import ReleaseRefused
from gateway.pem import load_chain
from gateway.proxy.dns import DnsAnswer
from gateway.proxy.proxy import Proxy
from gateway.proxy.resolver import Resolver
from gateway.proxy.tls import UpstreamTls
from tests.support.authority import Authority
from tests.support.http import get
from tests.support.upstream import ProxyApp, answering, ok, proxying, upstream


def _server_context(authority: Authority, client: bool = False) -> ssl.SSLContext:
    pair = authority.issue("origin.test", server=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load_chain(context, pair.certificate, pair.key)
    if client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=authority.pem)
    return context


@pytest.mark.parametrize(
    ("service", "status"),
    [
        ({"ca_certificates": ["ca"], "client_certificate": "client"}, 200),
        ({"tls_verify": False, "client_certificate": "client"}, 200),
        ({"client_certificate": "client"}, 502),
        ({"ca_certificates": ["other"], "client_certificate": "client"}, 502),
        ({"ca_certificates": ["ca"]}, 502),
    ],
)
async def test_tls_is_verified_and_shows_the_client_certificate(
    service: dict[str, Any], status: int
) -> None:
    authority, other = Authority(), Authority("other")
    client = authority.issue("gateway")
    tls = UpstreamTls(
        {"client": (client.certificate, client.key)}.get,
        {"ca": authority.pem, "other": other.pem}.get,
    )

    async def lookup(host: str) -> DnsAnswer:
        assert host == "origin.test"
        return DnsAnswer(["127.0.0.1"], 30)

    proxy = Proxy(asyncio.get_running_loop(), resolver=Resolver(lookup=lookup))
    async with upstream(answering(ok()), _server_context(authority, client=True)) as origin:
        app = ProxyApp(
            origin.port, host="origin.test", protocol="https", proxy=proxy, tls=tls, **service
        )
        async with proxying(app) as running:
            assert (await running.once(get())).status == status


def test_missing_certificates_refuse_the_release_by_name() -> None:
    tls = UpstreamTls()
    row = {"name": "s", "client_certificate": "c-1"}
    with pytest.raises(ReleaseRefused, match="service s: certificate c-1"):
        tls.context(row)
    with pytest.raises(ReleaseRefused, match="ca_certificate c-2"):
        tls.context({"name": "s", "ca_certificates": ["c-2"]})
    with pytest.raises(ReleaseRefused, match="cannot be used"):
        UpstreamTls(lambda _: ("x", "y")).context(row)
