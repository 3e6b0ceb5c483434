# SPDX-License-Identifier: Apache-2.0
"""Clients are asked for their certificate where a route wants it, and nowhere else."""

from __future__ import annotations

import asyncio
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.errors import GatewayError
from gateway.http import client_certificates
from gateway.http.tls import Certificates, self_signed
from tests.support.authority import Authority, Pair, client_context, shared_pair
from tests.support.http import App, get, serving

SERVERS = Authority("servers")
CLIENTS = Authority("clients")


def der(pem: str) -> bytes:
    return x509.load_pem_x509_certificate(pem.encode()).public_bytes(Encoding.DER)


def certificates(requests: dict[str, list[bytes]]) -> Certificates:
    found = Certificates(self_signed())
    pairs = {name: SERVERS.issue(name, server=True) for name in ("asks.test", "plain.test")}
    rows = [{"id": name, "cert": pair.certificate, "key": pair.key} for name, pair in pairs.items()]
    snis = [{"name": name, "certificate": name} for name in pairs]
    found.swap(found.prepare(rows, snis, requests))
    return found


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("shown", [CLIENTS.issue("ann"), shared_pair("self-signed"), None])
async def test_any_certificate_or_none_comes_through_where_it_is_asked_for(
    version: ssl.TLSVersion, shown: Pair | None
) -> None:
    app = App()
    tls = certificates({"asks.test": []}).context
    async with serving(app, tls=tls) as running:
        for name in ("asks.test", "plain.test"):
            client = client_context(SERVERS.pem, shown)
            client.minimum_version = client.maximum_version = version
            wire = await running.connect(client, name)
            assert (await wire.ask(get())).status == 200
        asked, plain = (request.connection for request in app.seen)
        expected = None if shown is None else der(shown.certificate)
        assert asked.client_certificate == expected
        assert list(asked.client_chain) == ([] if expected is None else [expected])
        assert plain.client_certificate is None
        assert list(plain.client_chain) == []


async def test_clients_are_told_the_authorities_that_count() -> None:
    """A client that has several certificates chooses by them."""
    tls = certificates({"*": [der(CLIENTS.pem)]}).context
    async with serving(App(), tls=tls) as running:
        shown = await asyncio.create_subprocess_exec(
            "openssl",
            "s_client",
            "-connect",
            f"127.0.0.1:{running.port}",
            "-tls1_2",
            "-servername",
            "asks.test",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        text, _ = await shown.communicate()
    assert b"Acceptable client certificate CA names" in text
    assert b"CN = clients" in text or b"CN=clients" in text


async def test_sessions_are_not_taken_up_again_where_a_certificate_is_asked_for() -> None:
    app = App()
    async with serving(app, tls=certificates({"*": []}).context) as running:
        client = client_context(SERVERS.pem, CLIENTS.issue("ann"))
        client.maximum_version = ssl.TLSVersion.TLSv1_2
        for _ in range(2):
            wire = await running.connect(client, "asks.test")
            assert (await wire.ask(get())).status == 200
            await wire.close()
        assert all(request.connection.client_certificate for request in app.seen)


def test_an_object_of_another_layout_is_not_touched() -> None:
    class Inner:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    class Other:
        _sslobj = Inner()

    assert client_certificates.can_ask()
    with pytest.raises(GatewayError):
        client_certificates.ask(Other(), [])  # type: ignore[arg-type]  # that is the point
    assert client_certificates.client_chain(None) == []
