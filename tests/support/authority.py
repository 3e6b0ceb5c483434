# SPDX-License-Identifier: Apache-2.0
"""A certificate authority for tests, and certificates that it signs."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.pem import load_chain


class Pair(NamedTuple):
    """A certificate and its key, both PEM text."""

    certificate: str
    key: str

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Write both files; return their paths."""
        certificate, key = folder / f"{name}.crt", folder / f"{name}.key"
        certificate.write_text(self.certificate)
        key.write_text(self.key)
        return certificate, key


class Authority:
    """Signs certificates for servers and clients; ``by`` is who signs its own, itself if nobody."""

    def __init__(self, name: str = "test authority", by: Authority | None = None) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        signer = by or self
        builder = _builder(self._name, signer._name, self._key)
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        signed = builder.add_extension(constraints, critical=True).sign(
            signer._key, hashes.SHA256()
        )
        self.pem = signed.public_bytes(Encoding.PEM).decode()

    def issue(
        self,
        name: str,
        *,
        server: bool = False,
        alternatives: Sequence[x509.GeneralName] = (),
        days: tuple[int, int] = (0, 1),
    ) -> Pair:
        """Make a certificate for a client, or for a server of this name and of 127.0.0.1.

        It counts between two days, of which 0 is now.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        usage = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = _builder(_name(name), self._name, key, days).add_extension(
            x509.ExtendedKeyUsage([usage]), critical=False
        )
        found = [x509.DNSName(name)] if server else list(alternatives)
        if found:
            builder = builder.add_extension(x509.SubjectAlternativeName(found), critical=False)
        return _pair(builder.sign(self._key, hashes.SHA256()), key)


def shared_pair(name: str = "kong_clustering") -> Pair:
    """Make a self-signed certificate that both sides use, as for cluster_mtls=shared."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_name(name), _name(name), key).add_extension(
        x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False
    )
    return _pair(builder.sign(key, hashes.SHA256()), key)


def client_context(trusted: str, pair: Pair | None) -> ssl.SSLContext:
    """Return the TLS context of a client that trusts one certificate and may show another."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=trusted)
    if pair is not None:
        load_chain(context, pair.certificate, pair.key)
    return context


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    days: tuple[int, int] = (0, 1),
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0], minutes=-1))
        .not_valid_after(now + timedelta(days=days[1]))
    )


def _pair(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> Pair:
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Pair(certificate.public_bytes(Encoding.PEM).decode(), private.decode())
