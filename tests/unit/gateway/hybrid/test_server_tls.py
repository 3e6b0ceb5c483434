# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ssl
from dataclasses import replace

import pytest

from gateway.errors import SettingsError
from gateway.hybrid.server_tls import ClusterIdentity, admits, server_context
from gateway.settings.settings import Settings
from tests.support.authority import Authority, Pair, shared_pair


def der(pair: Pair) -> bytes:
    return ssl.PEM_cert_to_DER_cert(pair.certificate)


def test_shared_admits_the_shared_certificate_alone() -> None:
    pair = shared_pair()
    identity = ClusterIdentity("shared", *pair, pair.certificate)
    assert admits(identity, der(pair))
    assert not admits(identity, der(shared_pair()))


def test_pki_admits_what_its_authority_signed_and_tls_verified() -> None:
    authority = Authority()
    identity = ClusterIdentity("pki", *authority.issue("cp", server=True), authority.pem)
    assert admits(identity, der(authority.issue("data-plane")))
    assert server_context(identity).verify_mode is ssl.CERT_REQUIRED


def test_certificate_and_key_must_belong_together() -> None:
    pair = shared_pair()
    identity = ClusterIdentity("shared", pair.certificate, shared_pair().key, pair.certificate)
    with pytest.raises(SettingsError, match="must be PEM and belong together"):
        server_context(identity)


def test_an_authority_that_is_none_is_named() -> None:
    pair = shared_pair()
    identity = replace(ClusterIdentity("pki", *pair, ""), authority="no certificate")
    with pytest.raises(SettingsError, match="KONG_CLUSTER_CA_CERT"):
        server_context(identity)


def test_the_settings_name_what_is_missing() -> None:
    values = {"role": "control_plane", "cluster_mtls": "shared", "cluster_listen": "off"}
    with pytest.raises(SettingsError, match="KONG_CLUSTER_CERT: needed to listen for data planes"):
        ClusterIdentity.from_settings(Settings.from_values(values))
