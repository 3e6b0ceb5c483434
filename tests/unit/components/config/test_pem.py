# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from components.config.pem import read_authority, read_identity
from components.config.reader import ConfigReader
from tests.support.authority import Authority, Pair

PAIR = ("clusterCertificatePem", "clusterPrivateKeyPem")


@pytest.fixture(scope="module")
def pair() -> Pair:
    return Authority().issue("data plane")


def expired() -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "old")])
    ended = datetime(2025, 3, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    signed = builder.not_valid_before(ended - timedelta(days=1)).not_valid_after(ended)
    return signed.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def problems(**values: str) -> list[str]:
    reader = ConfigReader("prod", values)
    read_authority(reader, "clusterCaPem")
    read_identity(reader, *PAIR)
    return reader.problems


def test_nothing_given_is_nothing_to_bring() -> None:
    reader = ConfigReader("prod", {"clusterCaPem": ""})
    assert read_authority(reader, "clusterCaPem") == ""
    assert read_identity(reader, *PAIR) is None
    assert reader.problems == []


def test_a_certificate_with_its_key_is_taken_and_the_key_never_shows(pair: Pair) -> None:
    reader = ConfigReader("prod", dict(zip(PAIR, pair, strict=True)))
    found = read_identity(reader, *PAIR)
    assert reader.problems == []
    assert found is not None
    assert found.certificate_pem == pair.certificate
    assert "PRIVATE" not in repr(found)


def test_several_authorities_may_be_trusted() -> None:
    assert problems(clusterCaPem=Authority("one").pem + Authority("two").pem) == []


def test_what_is_no_certificate_or_has_ended_is_told_by_its_key() -> None:
    (wrong,) = problems(clusterCaPem="/etc/ca.crt")
    assert wrong.startswith("clusterCaPem: holds no certificate; allowed: PEM text")
    (old,) = problems(clusterCaPem=expired())
    assert old == "clusterCaPem: 'CN=old' ended on 2025-03-01; allowed: one that is valid"


def test_a_certificate_without_its_key_and_a_key_alone_are_refused(pair: Pair) -> None:
    (alone,) = problems(clusterCertificatePem=pair.certificate)
    assert alone.startswith("clusterPrivateKeyPem: missing; clusterCertificatePem is of no use")
    (lost,) = problems(clusterPrivateKeyPem=pair.key)
    assert lost.startswith("clusterCertificatePem: missing")


def test_a_key_that_does_not_fit_is_told_without_showing_it(pair: Pair) -> None:
    other = Authority().issue("other")
    (wrong,) = problems(clusterCertificatePem=pair.certificate, clusterPrivateKeyPem=other.key)
    assert "clusterPrivateKeyPem: does not fit clusterCertificatePem, 'CN=data plane'" in wrong
    (unreadable,) = problems(
        clusterCertificatePem=pair.certificate, clusterPrivateKeyPem="planted-secret"
    )
    assert "holds no key that can be read" in unreadable
    assert "planted" not in unreadable
    assert other.key.splitlines()[1] not in wrong
