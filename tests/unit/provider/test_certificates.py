# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ssl
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from provider.certificates import (
    CertificateRequest,
    Issuer,
    expiry,
    issue,
    key_pem,
    load_issuer,
    load_key,
    new_key,
    utc_now,
)
from provider.resource_types import CERTIFICATE_ALGORITHMS
from tests.support.handshake import shake_hands


def authority(days: int = 10) -> Issuer:
    key = new_key("ecdsa-p256")
    pem = issue(
        CertificateRequest("ca", "ours", (), (), timedelta(days=days)), key, None, utc_now()
    )
    return load_issuer(pem, key_pem(key))


def issuer_pem(issuer: Issuer) -> str:
    return issuer.certificate.public_bytes(Encoding.PEM).decode()


@pytest.mark.parametrize("algorithm", CERTIFICATE_ALGORITHMS)
def test_a_key_is_read_as_it_was_written(algorithm: str) -> None:
    pem = key_pem(new_key(algorithm))
    assert key_pem(load_key(pem)) == pem


def test_a_certificate_ends_with_its_issuer_at_the_latest() -> None:
    ours, now = authority(days=1), utc_now()
    request = CertificateRequest("server", "x", ["x"], ["127.0.0.1"], timedelta(days=9))
    pem = issue(request, new_key("ecdsa-p256"), ours, now)
    assert expiry(pem) == ours.certificate.not_valid_after_utc
    names = x509.load_pem_x509_certificate(pem.encode()).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    assert names.value.get_values_for_type(x509.DNSName) == ["x"]


def test_a_key_of_another_certificate_is_refused() -> None:
    pem = issue(
        CertificateRequest("ca", "a", (), (), timedelta(1)), new_key("ecdsa-p256"), None, utc_now()
    )
    with pytest.raises(ValueError, match="the key is not the certificate's"):
        load_issuer(pem, key_pem(new_key("ecdsa-p256")))


@pytest.mark.parametrize("algorithm", CERTIFICATE_ALGORITHMS)
def test_certificates_meet_all_of_rfc_5280_as_clients_on_python_3_13_ask(algorithm: str) -> None:
    ours, key = authority(), new_key(algorithm)
    request = CertificateRequest("server", "a.test", ["a.test"], (), timedelta(days=1))
    certificate = issue(request, key, ours, utc_now())
    strict = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    strict.verify_flags |= ssl.VERIFY_X509_STRICT
    strict.load_verify_locations(cadata=issuer_pem(ours))
    shake_hands(strict, certificate, key_pem(key), "a.test")
