# SPDX-License-Identifier: Apache-2.0
"""Mutual TLS of the cluster listener, in the ways of Kong 3.10 (``kong/clustering/tls.lua``)."""

from __future__ import annotations

import hashlib
import ssl
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.errors import SettingsError
from gateway.pem import add_authorities, load_chain, read_pem
from gateway.settings.settings import Settings


@dataclass(frozen=True)
class ClusterIdentity:
    """What the control plane shows, and which data planes it admits: PEM text.

    ``mtls`` is pki or shared.
    """

    mtls: str
    certificate: str
    key: str
    authority: str
    """What a data plane's certificate is verified against; in shared mode our own certificate."""

    @classmethod
    def from_settings(cls, settings: Settings) -> ClusterIdentity:
        """Read the files that the settings name; raises ``SettingsError``."""
        certificate = _read(settings.cluster_cert, "KONG_CLUSTER_CERT")
        key = _read(settings.cluster_cert_key, "KONG_CLUSTER_CERT_KEY")
        authority = certificate
        if settings.cluster_mtls == "pki":
            authority = _read(settings.cluster_ca_cert, "KONG_CLUSTER_CA_CERT")
        return cls(settings.cluster_mtls, certificate, key, authority)


def _read(value: str | None, setting: str) -> str:
    if value is None:
        raise SettingsError(f"{setting}: needed to listen for data planes; a path or PEM text")
    return read_pem(value, setting)


def server_context(identity: ClusterIdentity) -> ssl.SSLContext:
    """Return the listener's TLS context: a client without a trusted certificate is cut off.

    Raises ``SettingsError`` when certificate, key or authority cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    load_identity(context, identity)
    return context


def load_identity(context: ssl.SSLContext, identity: ClusterIdentity) -> None:
    """Put an identity into a context, also one in use: new connections have it.

    Raises ``SettingsError``. Authorities trusted before stay trusted.
    """
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    if identity.mtls == "shared":
        # The certificate itself is the trust anchor, whether or not it may sign others.
        context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
    try:
        load_chain(context, identity.certificate, identity.key)
    except ssl.SSLError as error:
        text = f"KONG_CLUSTER_CERT and KONG_CLUSTER_CERT_KEY cannot be used: {error.reason}"
        raise SettingsError(f"{text}; they must be PEM and belong together") from None
    try:
        add_authorities(context, identity.authority)
    except ssl.SSLError as error:
        raise SettingsError(f"KONG_CLUSTER_CA_CERT cannot be used: {error.reason}") from None


def admits(identity: ClusterIdentity, peer: bytes) -> bool:
    """Tell whether the verified certificate of a peer, in DER, is one that may come in.

    In shared mode it must be our own, not merely one that our own has signed.
    """
    if identity.mtls == "pki":
        return True
    own = x509.load_pem_x509_certificates(identity.certificate.encode())[0]
    return hashlib.sha256(own.public_bytes(Encoding.DER)).digest() == hashlib.sha256(peer).digest()
