# SPDX-License-Identifier: Apache-2.0
"""Whether a client's certificate is good, and the names in it (RFC 5280, by ``cryptography``)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

MOST = 10
"""Certificates that a client may send along."""
_UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
_USES = frozenset((ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE))


class GoodCertificate(NamedTuple):
    """A certificate that is good."""

    names: list[str]
    """Its subject alternative names; its common names where it has none."""
    common_name: str
    distinguished_name: str
    chain: list[bytes]
    """From the certificate up to the authority that is trusted (DER)."""
    expires: float
    """When the first of the chain is over, in seconds since 1970."""


class CertificateVerifier:
    """Checks against authorities (PEM); without ``partial`` only roots are trusted."""

    def __init__(self, authorities: Iterable[str], partial: bool) -> None:
        found = [x509.load_pem_x509_certificate(text.encode()) for text in authorities]
        trusted = [item for item in found if partial or item.issuer == item.subject]
        self._between = [item for item in found if item not in trusted]
        self._builder = None
        if trusted:
            self._builder = (
                PolicyBuilder()
                .store(Store(trusted))
                .extension_policies(ca_policy=_authorities(), ee_policy=_clients())
            )

    def verify(self, chain: Sequence[bytes], now: float) -> GoodCertificate | str:
        """Return what a certificate says, or why it is not good.

        ``chain`` is DER: the client's first, then what it sent along. ``now`` is in seconds since
        1970. Nothing that a client sends raises.
        """
        if self._builder is None:
            return "no authority that is trusted is a root; allow_partial_chain trusts others"
        if len(chain) > MOST:
            return f"the client sent more than {MOST} certificates"
        try:
            leaf, *others = map(x509.load_der_x509_certificate, chain)
            verifier = self._builder.time(datetime.fromtimestamp(now, UTC)).build_client_verifier()
            found = verifier.verify(leaf, [*others, *self._between]).chain
            if any(_is_unknown(extension) for item in found for extension in item.extensions):
                return "an extension that must be understood is not"
            return _read(leaf, found)
        except VerificationError as error:
            # It shows subjects: they are the client's word.
            return str(error).partition(" (encountered")[0]
        except _UNREADABLE as error:
            return f"the certificate cannot be read ({type(error).__name__})"


def _read(leaf: x509.Certificate, chain: list[x509.Certificate]) -> GoodCertificate:
    common = [str(item.value) for item in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    try:
        found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = [
            str(item.value)
            for item in found
            if not isinstance(item, x509.DirectoryName | x509.OtherName)
        ]
    except x509.ExtensionNotFound:
        names = common
    return GoodCertificate(
        names,
        common[0] if common else "",
        leaf.subject.rfc4514_string(),
        [item.public_bytes(Encoding.DER) for item in chain],
        min(item.not_valid_after_utc.timestamp() for item in chain),
    )


def _authorities() -> ExtensionPolicy:
    return (
        ExtensionPolicy.permit_all()
        .require_present(x509.BasicConstraints, Criticality.AGNOSTIC, _may_be_authority)
        .may_be_present(x509.KeyUsage, Criticality.AGNOSTIC, _may_sign)
    )


def _clients() -> ExtensionPolicy:
    return ExtensionPolicy.permit_all().may_be_present(
        x509.ExtendedKeyUsage, Criticality.AGNOSTIC, _may_be_client
    )


def _may_be_authority(
    policy: Policy, certificate: x509.Certificate, extension: x509.BasicConstraints
) -> None:
    if not extension.ca:
        raise ValueError("a certificate that signed another is no authority's")


def _may_sign(
    policy: Policy, certificate: x509.Certificate, extension: x509.KeyUsage | None
) -> None:
    if extension is not None and not extension.key_cert_sign:
        raise ValueError("an authority's certificate must not sign others")


def _may_be_client(
    policy: Policy, certificate: x509.Certificate, extension: x509.ExtendedKeyUsage | None
) -> None:
    if extension is not None and _USES.isdisjoint(extension):
        raise ValueError("the certificate is not for clients")


def _is_unknown(extension: x509.Extension[x509.ExtensionType]) -> bool:
    return extension.critical and isinstance(extension.value, x509.UnrecognizedExtension)
