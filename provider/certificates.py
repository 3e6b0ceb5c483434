# SPDX-License-Identifier: Apache-2.0
"""Making keys and certificates: authorities, servers, clients (RFC 5280), as PEM texts."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

# Peers whose clocks are a little behind accept a certificate that has just been made.
_CLOCK_SKEW = timedelta(minutes=5)
_PURPOSES = {"server": ExtendedKeyUsageOID.SERVER_AUTH, "client": ExtendedKeyUsageOID.CLIENT_AUTH}


@dataclass(frozen=True)
class Issuer:
    """An authority that signs: its certificate and key."""

    certificate: x509.Certificate
    key: PrivateKey


@dataclass(frozen=True)
class CertificateRequest:
    """The content of a certificate; ``kind`` is ca, server or client."""

    kind: str
    common_name: str
    dns_names: Sequence[str]
    ip_addresses: Sequence[str]
    validity: timedelta


def new_key(algorithm: str) -> PrivateKey:
    """Make a private key; ``algorithm`` is one of ``CERTIFICATE_ALGORITHMS``."""
    if algorithm == "ecdsa-p256":
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == "ecdsa-p384":
        return ec.generate_private_key(ec.SECP384R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=int(algorithm[-4:]))


def load_key(pem: str) -> PrivateKey:
    """Read a private key; ValueError when it is none that we can sign with."""
    key = serialization.load_pem_private_key(pem.encode(), None)
    if not isinstance(key, (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey)):
        raise ValueError("only RSA and elliptic-curve keys can sign here")
    return key


def load_issuer(certificate_pem: str, key_pem: str) -> Issuer:
    """Read an authority; ValueError when the two do not belong together."""
    certificate = x509.load_pem_x509_certificate(certificate_pem.encode())
    key = load_key(key_pem)
    if _public(certificate.public_key()) != _public(key.public_key()):
        raise ValueError("the key is not the certificate's")
    return Issuer(certificate, key)


def issue(
    request: CertificateRequest, key: PrivateKey, issuer: Issuer | None, now: datetime
) -> str:
    """Make a certificate for ``key``, signed by ``issuer`` or by itself; return its PEM.

    It ends with its issuer's at the latest.
    """
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, request.common_name)])
    end = now + request.validity
    if issuer is not None:
        end = min(end, issuer.certificate.not_valid_after_utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(end)
    )
    for extension, critical in _extensions(request, key, issuer):
        builder = builder.add_extension(extension, critical)
    signed = builder.sign(issuer.key if issuer else key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


def _extensions(
    request: CertificateRequest, key: PrivateKey, issuer: Issuer | None
) -> list[tuple[x509.ExtensionType, bool]]:
    authority = request.kind == "ca"
    signer = issuer.key if issuer else key
    extensions: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=authority, path_length=0 if authority else None), True),
        (_usage(authority), True),
        (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False),
    ]
    if not authority:
        extensions.append((x509.ExtendedKeyUsage([_PURPOSES[request.kind]]), False))
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in request.dns_names]
    names += [x509.IPAddress(ipaddress.ip_address(text)) for text in request.ip_addresses]
    if names:
        extensions.append((x509.SubjectAlternativeName(names), False))
    return extensions


def _usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def key_pem(key: PrivateKey) -> str:
    """``key`` as unencrypted PKCS #8, which OpenSSL and Java both read."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def fingerprint(certificate_pem: str) -> str:
    """SHA-256 of the certificate in hexadecimal."""
    return (
        x509.load_pem_x509_certificate(certificate_pem.encode()).fingerprint(hashes.SHA256()).hex()
    )


def expiry(certificate_pem: str) -> datetime:
    """When the certificate ends, in UTC."""
    return x509.load_pem_x509_certificate(certificate_pem.encode()).not_valid_after_utc


def utc_now() -> datetime:
    """The time, to the second as certificates have it."""
    return datetime.now(UTC).replace(microsecond=0)


def _public(key: object) -> bytes:
    encoded: bytes = key.public_bytes(  # type: ignore[attr-defined] # each kind has it
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return encoded
