# SPDX-License-Identifier: Apache-2.0
"""Certificates, the server names they are for, and CA certificates."""

from __future__ import annotations

import hashlib
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from gateway.entities.base import Entity, EntityType, Hint, violation
from gateway.entities.hosts import check_server_name
from gateway.entities.types import ForeignKey, invalid, is_reference


def _certificate(value: str) -> str:
    # Late: docs/decisions/imports-inside-functions.md
    from gateway.entities.pem import check_certificate

    problem = "" if is_reference(value) else check_certificate(value)
    if problem:
        raise invalid(problem)
    return value


def _private_key(value: str) -> str:
    # Late: docs/decisions/imports-inside-functions.md
    from gateway.entities.pem import check_key

    problem = "" if is_reference(value) else check_key(value)
    if problem:
        raise invalid(problem)
    return value


def _server_name(value: str) -> str:
    problem = check_server_name(value)
    if problem:
        raise invalid(problem)
    return value


CertificatePem = Annotated[str, AfterValidator(_certificate), Hint(referenceable=True)]
KeyPem = Annotated[str, AfterValidator(_private_key), Hint(referenceable=True, encrypted=True)]


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
        # Late: docs/decisions/imports-inside-functions.md
        from gateway.entities.pem import digest, is_authority

        if is_reference(self.cert):
            self.cert_digest = hashlib.sha256(self.cert.encode()).hexdigest()
            return self
        self.cert_digest = digest(self.cert)
        if not is_authority(self.cert):
            text = 'not the certificate of an authority: it lacks the "CA" basic constraint'
            raise violation([], {"cert": text})
        return self


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
