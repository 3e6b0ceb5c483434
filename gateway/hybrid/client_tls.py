# SPDX-License-Identifier: Apache-2.0
"""Mutual TLS to the control plane, in the two ways of Kong 3.10 (``kong/clustering/tls.lua``)."""

from __future__ import annotations

import ssl

from gateway.errors import SettingsError
from gateway.pem import add_authorities, load_chain, read_pem, trust
from gateway.settings.settings import Settings, env_name

SHARED_NAME = "kong_clustering"
"""Common name of the certificate that both sides share (``kong hybrid gen_cert``)."""


def client_context(settings: Settings) -> tuple[ssl.SSLContext, str]:
    """Return the TLS context and the name to ask for and to check.

    ``shared`` trusts exactly the node's own certificate; ``pki`` trusts ``cluster_ca_cert``, or
    without one what ``lua_ssl_trusted_certificate`` names. Raises ``SettingsError``.
    """
    certificate = _pem(settings, "cluster_cert")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        load_chain(context, certificate, _pem(settings, "cluster_cert_key"))
        if settings.cluster_mtls == "shared":
            add_authorities(context, certificate)
            return context, SHARED_NAME
        if settings.cluster_ca_cert is not None:
            add_authorities(context, _pem(settings, "cluster_ca_cert"))
        else:
            sources = settings.lua_ssl_trusted_certificate
            trust(context, sources, env_name("lua_ssl_trusted_certificate"))
    except ssl.SSLError as error:
        names = "KONG_CLUSTER_CERT, KONG_CLUSTER_CERT_KEY, KONG_CLUSTER_CA_CERT"
        raise SettingsError(f"{names}: cannot be used together: {error}") from None
    host = settings.cluster_control_plane.rpartition(":")[0].strip("[]")
    return context, settings.cluster_server_name or host


def certificate_expires(settings: Settings) -> float:
    """Return when the node's certificate does, in seconds since 1970. Raises ``SettingsError``."""
    # Imported here: it is large, and a node shows this only when it serves.
    from cryptography import x509

    try:
        found = x509.load_pem_x509_certificate(_pem(settings, "cluster_cert").encode())
    except ValueError as error:
        raise SettingsError(f"KONG_CLUSTER_CERT: cannot be read: {error}") from None
    return found.not_valid_after_utc.timestamp()


def _pem(settings: Settings, name: str) -> str:
    return read_pem(getattr(settings, name) or "", env_name(name))
