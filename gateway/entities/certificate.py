# SPDX-License-Identifier: Apache-2.0
"""Certificates, the server names they are for, and CA certificates."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from pydantic import AfterValidator, Field, model_validator

from gateway.entities.base import Entity, EntityType, Hint, violation
from gateway.entities.hosts import check_host
from gateway.entities.types import ForeignKey, invalid, is_reference


def _load(text: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(text.encode())[0]
    except ValueError:
        raise invalid("invalid certificate: expected PEM text") from None


def _certificate(value: str) -> str:
    if not is_reference(value):
        _load(value)
    return value


def _private_key(value: str) -> str:
    if not is_reference(value):
        try:
            load_pem_private_key(value.encode(), None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise invalid("invalid key: expected a PEM private key without password") from None
    return value


def _server_name(value: str) -> str:
    problem = check_host(value, port=False, wildcard=True)
    if problem:
        raise invalid(problem)
    return value


CertificatePem = Annotated[str, AfterValidator(_certificate), Hint(referenceable=True)]
KeyPem = Annotated[str, AfterValidator(_private_key), Hint(referenceable=True, encrypted=True)]


def check_pair(cert: str, key: str) -> str:
    """Return what is wrong with a certificate and its key, both PEM, or an empty string."""
    try:
        public = x509.load_pem_x509_certificates(cert.encode())[0].public_key()
        private = load_pem_private_key(key.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return "certificate or key cannot be read"
    return "" if private.public_key() == public else "certificate does not match key"


class Certificate(Entity):
    """A certificate with its key, for TLS towards clients or upstreams."""

    cert: CertificatePem = Field(description="The PEM certificate, its chain after it.")
    key: KeyPem = Field(description="The PEM private key of the certificate.")
    cert_alt: CertificatePem | None = Field(
        default=None,
        description="A second certificate with another kind of key, for clients that cannot use "
        "the first.",
    )
    key_alt: KeyPem | None = Field(
        default=None, description="The PEM private key of the second certificate."
    )

    @model_validator(mode="after")
    def _check_alternative(self) -> Certificate:
        if (self.cert_alt is None) != (self.key_alt is None):
            text = "all or none of these fields must be set: 'cert_alt', 'key_alt'"
            raise violation([text])
        return self


class SNI(Entity):
    """A server name that a certificate is shown for."""

    name: Annotated[str, AfterValidator(_server_name), Hint(unique=True)] = Field(
        description="The unique server name; one `*` may stand for the first or last label."
    )
    certificate: Annotated[ForeignKey, Hint(reference="certificates")] = Field(
        description="The certificate that is shown for this name."
    )


class CACertificate(Entity):
    """A certificate of an authority that other certificates are checked with."""

    cert: CertificatePem = Field(description="The PEM certificate of the authority, only one.")
    cert_digest: Annotated[str, Hint(auto=True, unique=True)] | None = Field(
        default=None,
        description="The SHA-256 digest of the certificate in hex, worked out from it.",
    )

    @model_validator(mode="after")
    def _digest(self) -> CACertificate:
        if is_reference(self.cert):
            text = self.cert.encode()
            self.cert_digest = hashlib.sha256(text).hexdigest()
            return self
        self.cert_digest = _load(self.cert).fingerprint(hashes.SHA256()).hex()
        if not _is_authority(_load(self.cert)):
            raise violation(
                [],
                {
                    "cert": "certificate does not appear to be a CA because it is "
                    'missing the "CA" basic constraint'
                },
            )
        return self


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        found: Any = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except x509.ExtensionNotFound:
        return False
    return bool(found.value.ca)


CERTIFICATES = EntityType("certificates", "certificate", Certificate)
SNIS = EntityType(
    "snis",
    "sni",
    SNI,
    endpoint_key="name",
    foreign={"certificate": "certificates"},
    unique=(("name",),),
    key_field="name",
    parents=("certificate",),
    cascade=frozenset({"certificate"}),
)
CA_CERTIFICATES = EntityType(
    "ca_certificates", "ca_certificate", CACertificate, unique=(("cert_digest",),)
)
