# SPDX-License-Identifier: Apache-2.0
"""Which certificates are good: chains, uses, times, and what a client may send."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import time
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.plugins.mtls_auth.verification import MOST, CertificateVerifier, GoodCertificate

NOW = time()
DAY = timedelta(days=1)


class Made:
    """A certificate with its key, signed by another or by itself."""

    def __init__(
        self,
        name: str,
        by: Made | None = None,
        *extensions: tuple[Any, bool],
        days: tuple[int, int] = (-1, 1),
    ) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signer = by or self
        start = datetime.fromtimestamp(NOW, UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(signer.name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(start + days[0] * DAY)
            .not_valid_after(start + days[1] * DAY)
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        self.certificate = builder.sign(signer.key, hashes.SHA256())

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


def authority(length: int | None = None) -> tuple[Any, bool]:
    return x509.BasicConstraints(ca=True, path_length=length), True


def names(*texts: str) -> tuple[Any, bool]:
    return x509.SubjectAlternativeName([x509.DNSName(text) for text in texts]), False


ROOT = Made("root", None, authority())
BETWEEN = Made("between", ROOT, authority())
LEAF = Made("leaf", BETWEEN)
FINE = Made("fine", ROOT)
SHORT = Made("short", None, authority(0))
BELOW_SHORT = Made("below", SHORT, authority())
BARE = Made("bare", ROOT)
UNKNOWN = x509.UnrecognizedExtension(ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True
FOR_SERVERS = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False
FOR_CLIENTS = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), True


def verify(chain: list[Made], *trusted: Made, partial: bool = False) -> GoodCertificate | str:
    verifier = CertificateVerifier([made.pem for made in trusted], partial)
    return verifier.verify([made.der for made in chain], NOW)


@pytest.mark.parametrize(
    ("chain", "trusted", "partial"),
    [
        ([FINE], [ROOT], False),
        ([LEAF, BETWEEN], [ROOT], False),
        ([LEAF], [ROOT, BETWEEN], False),
        ([LEAF], [BETWEEN], True),
        ([Made("uses", ROOT, FOR_CLIENTS)], [ROOT], False),
        ([FINE, LEAF, BETWEEN], [ROOT], False),
    ],
)
def test_a_chain_to_an_authority_is_good(
    chain: list[Made], trusted: list[Made], partial: bool
) -> None:
    found = verify(chain, *trusted, partial=partial)
    assert isinstance(found, GoodCertificate)
    assert found.chain[0] == chain[0].der
    assert found.expires <= NOW + 86400


@pytest.mark.parametrize(
    ("chain", "trusted"),
    [
        ([LEAF], [ROOT]),
        ([LEAF], [BETWEEN]),
        ([FINE], [BETWEEN, SHORT]),
        ([Made("self")], [ROOT]),
        ([ROOT], [SHORT]),
        ([Made("old", ROOT, days=(-3, -2))], [ROOT]),
        ([Made("early", ROOT, days=(2, 3))], [ROOT]),
        ([Made("of old", old := Made("old", None, authority(), days=(-3, -2)))], [old]),
        ([Made("server", ROOT, FOR_SERVERS)], [ROOT]),
        ([Made("strange", ROOT, UNKNOWN)], [ROOT]),
        ([Made("forged", BARE), BARE], [ROOT]),
        ([Made("deep", BELOW_SHORT), BELOW_SHORT], [SHORT]),
        ([FINE, *[ROOT] * MOST], [ROOT]),
    ],
)
def test_everything_else_is_not_and_says_why(chain: list[Made], trusted: list[Made]) -> None:
    found = verify(chain, *trusted)
    assert isinstance(found, str)
    assert found
    assert all(made.name.rfc4514_string() not in found for made in chain)


def test_common_names_count_only_without_alternative_ones() -> None:
    plain, named = verify([FINE], ROOT), verify([Made("x", ROOT, names("a.test", "b"))], ROOT)
    assert isinstance(plain, GoodCertificate)
    assert isinstance(named, GoodCertificate)
    assert (plain.names, plain.common_name, plain.distinguished_name) == (
        ["fine"],
        "fine",
        "CN=fine",
    )
    assert (named.names, named.common_name) == (["a.test", "b"], "x")


@settings(max_examples=50)
@given(st.lists(st.binary(max_size=200), min_size=1, max_size=3), st.integers(0, 600))
def test_nothing_that_a_client_sends_raises(chain: list[bytes], cut: int) -> None:
    verifier = CertificateVerifier([ROOT.pem], False)
    broken = bytearray(FINE.der)
    broken[cut % len(broken)] ^= 0x55
    for sent in (chain, [FINE.der[: cut % len(FINE.der)]], [bytes(broken), *chain]):
        assert isinstance(verifier.verify(sent, NOW), str)
