# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime

import pytest

from gateway.errors import SettingsError
from gateway.hybrid.client_tls import SHARED_NAME, certificate_expires, client_context
from gateway.pem import load_chain
from gateway.settings.settings import Settings
from tests.support.authority import Authority, Pair, shared_pair


def settings(pair: Pair, **more: str) -> Settings:
    values = {"role": "data_plane", "cluster_cert": pair.certificate, "cluster_cert_key": pair.key}
    return Settings.from_values({**values, **more})


async def shakes_hands(server: Pair, context: ssl.SSLContext, name: str) -> bool:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load_chain(tls, *server)

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    listening = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=tls)
    port = listening.sockets[0].getsockname()[1]
    try:
        opened = asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
        _, writer = await opened
        writer.transport.abort()
        return True
    except ssl.SSLCertVerificationError:
        return False
    finally:
        listening.close()


async def test_shared_trusts_the_shared_certificate_under_its_own_name_and_nothing_else() -> None:
    pair = shared_pair()
    context, name = client_context(settings(pair))
    assert name == SHARED_NAME
    assert await shakes_hands(pair, context, name)
    assert not await shakes_hands(shared_pair(), context, name)


async def test_pki_checks_the_servers_name_with_the_authority_of_the_cluster() -> None:
    authority = Authority()
    own = authority.issue("node")
    context, name = client_context(
        settings(
            own,
            cluster_mtls="pki",
            cluster_ca_cert=authority.pem,
            cluster_server_name="control.test",
        )
    )
    assert name == "control.test"
    assert await shakes_hands(authority.issue("control.test", server=True), context, name)
    assert not await shakes_hands(authority.issue("other.test", server=True), context, name)
    stranger = Authority().issue("control.test", server=True)
    assert not await shakes_hands(stranger, context, name)


def test_without_a_server_name_the_host_of_the_control_plane_is_checked() -> None:
    pair = shared_pair()
    made = settings(pair, cluster_mtls="pki", cluster_control_plane="cp.example.com:443")
    assert client_context(made)[1] == "cp.example.com"


def test_old_versions_of_tls_are_not_spoken() -> None:
    context, _ = client_context(settings(shared_pair()))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_key_of_another_certificate_is_named() -> None:
    pair = Pair(shared_pair().certificate, shared_pair().key)
    with pytest.raises(SettingsError, match="KONG_CLUSTER_CERT_KEY"):
        client_context(settings(pair))


def test_when_the_certificate_expires_can_be_told() -> None:
    expires = certificate_expires(settings(shared_pair()))
    assert expires > datetime.now(UTC).timestamp()
    bad = settings(Pair("-----BEGIN CERTIFICATE-----\nx\n", shared_pair().key))
    with pytest.raises(SettingsError, match="KONG_CLUSTER_CERT"):
        certificate_expires(bad)
