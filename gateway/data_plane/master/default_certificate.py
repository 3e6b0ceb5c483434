# SPDX-License-Identifier: Apache-2.0
"""The certificate of https listeners for clients that name no host we have a certificate for."""

from __future__ import annotations

from pathlib import Path

from gateway.atomic_file import write_atomically
from gateway.pem import read_pem
from gateway.settings.settings import Settings


def listener_certificate(settings: Settings, prefix: Path) -> tuple[str, str]:
    """Return chain and key as PEM: those of the settings, else a self-signed pair.

    That pair is kept in the prefix: clients that trust it need not do so anew at every start.
    Raises ``SettingsError``.
    """
    if settings.ssl_cert:
        return (
            read_pem(settings.ssl_cert[0], "KONG_SSL_CERT"),
            read_pem(settings.ssl_cert_key[0], "KONG_SSL_CERT_KEY"),
        )
    certificate = prefix / "ssl" / "kong-default.crt"
    key = prefix / "ssl" / "kong-default.key"
    try:
        return certificate.read_text(), key.read_text()
    except OSError:
        # Imported here: only the very first start makes a pair.
        from gateway.http.tls import self_signed

        made = self_signed()
        write_atomically(certificate, made[0].encode())
        write_atomically(key, made[1].encode())
        return made
