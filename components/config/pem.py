# SPDX-License-Identifier: Apache-2.0
"""Certificates and keys in the configuration: what is wrong with one is said at preview.

A data plane that cannot present or verify anything finds that out much later, in a pod's log.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from components.config.reader import ConfigReader
from components.config.secret import Secret

if TYPE_CHECKING:
    from cryptography.x509 import Certificate


@dataclass(frozen=True)
class IdentityConfig:
    """A certificate (PEM, with those in between behind it) and its key."""

    certificate_pem: str
    private_key: Secret


def read_authority(reader: ConfigReader, key: str) -> str:
    """Return the PEM text of one or more certificates to trust, or nothing."""
    _certificates(reader, key)
    return reader.text(key)


def read_identity(
    reader: ConfigReader, certificate_key: str, private_key_key: str
) -> IdentityConfig | None:
    """Return a certificate and the key that fits it, or None when neither is given."""
    given = {key: reader.has(key) for key in (certificate_key, private_key_key)}
    if not any(given.values()):
        return None
    for key, there in given.items():
        if not there:
            (other,) = set(given) - {key}
            reader.problem(key, f"missing; {other} is of no use without it")
    certificates = _certificates(reader, certificate_key)
    private_key = reader.text(private_key_key)
    if certificates and private_key:
        _check_pair(reader, private_key_key, private_key, certificate_key, certificates[0])
    return IdentityConfig(reader.text(certificate_key), Secret(private_key))


def _certificates(reader: ConfigReader, key: str) -> list[Certificate]:
    text = reader.text(key)
    if not text:
        return []
    # Only what brings certificates along pays for the import.
    from cryptography import x509

    try:
        found = x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        text = "holds no certificate; allowed: PEM text, -----BEGIN CERTIFICATE-----"
        reader.problem(key, text, harmless=True)
        return []
    now = datetime.now(UTC)
    for certificate in found:
        ends, name = certificate.not_valid_after_utc, certificate.subject.rfc4514_string()
        if ends <= now:
            reader.problem(key, f"{name!r} ended on {ends:%Y-%m-%d}; allowed: one that is valid")
    return found


def _check_pair(
    reader: ConfigReader, key: str, text: str, certificate_key: str, certificate: Certificate
) -> None:
    """Note a key that cannot be read or does not fit; its text appears nowhere."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    try:
        private = serialization.load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        allowed = "PEM text without a passphrase, -----BEGIN PRIVATE KEY-----"
        text = f"holds no key that can be read; allowed: {allowed}"
        reader.problem(key, text, harmless=True)
        return
    if private.public_key() != certificate.public_key():
        name = certificate.subject.rfc4514_string()
        text = f"does not fit {certificate_key}, {name!r}; allowed: that one's key"
        reader.problem(key, text, harmless=True)
