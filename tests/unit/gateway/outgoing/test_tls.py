# SPDX-License-Identifier: Apache-2.0
"""What a client's TLS context trusts and shows."""

from __future__ import annotations

import ssl

import pytest

from gateway.outgoing.tls import tls_context
from tests.support.certificates import self_signed


def test_certificates_are_verified_unless_it_is_switched_off() -> None:
    verified, unverified = tls_context(True), tls_context(False)
    assert (verified.verify_mode, verified.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert (unverified.verify_mode, unverified.check_hostname) == (ssl.CERT_NONE, False)


def test_equal_settings_give_the_same_context() -> None:
    assert tls_context(True) is tls_context(True)
    assert tls_context(True, certificate=self_signed()) is not tls_context(True)


def test_more_authorities_are_trusted_beside_the_system() -> None:
    authority, _ = self_signed("an authority", authority=True)
    context = tls_context(True, authorities=(authority,))
    assert context.cert_store_stats()["x509"] == tls_context(True).cert_store_stats()["x509"] + 1


def test_a_certificate_that_is_none_is_an_ssl_error() -> None:
    with pytest.raises(ssl.SSLError):
        tls_context(True, certificate=("no certificate", "no key"))
