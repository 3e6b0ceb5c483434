# SPDX-License-Identifier: Apache-2.0
"""TLS towards upstreams: verification is on unless a service says otherwise."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from gateway.errors import ReleaseRefused, SettingsError
from gateway.pem import add_authorities, load_chain, trust

Certificates = Callable[[str], tuple[str, str] | None]
"""Id of a certificate entity to (certificate PEM, key PEM)."""
Authorities = Callable[[str], str | None]
"""Id of a ca_certificate entity to its PEM."""


class UpstreamTls:
    """Makes the TLS context of a service from its row.

    ``sources`` holds "system" and paths of PEM files (setting lua_ssl_trusted_certificate); it
    counts for services without ``ca_certificates`` of their own. Equal settings give the same
    context object, also over snapshots, so that kept connections stay usable.
    """

    def __init__(
        self,
        certificates: Certificates = lambda _: None,
        authorities: Authorities = lambda _: None,
        sources: Sequence[str] = ("system",),
    ) -> None:
        self._certificates = certificates
        self._authorities = authorities
        self._sources = tuple(sources)

    def context(self, service: Mapping[str, Any]) -> ssl.SSLContext:
        """Return the context; raises ``ReleaseRefused`` when an entity is missing or unusable."""
        name = service.get("name") or service.get("id")
        verify = service.get("tls_verify") is not False
        authorities = []
        for reference in service.get("ca_certificates") or ():
            pem = self._authorities(reference)
            if pem is None:
                raise ReleaseRefused([f"service {name}: ca_certificate {reference} is not there"])
            authorities.append(pem)
        client: tuple[str, str] | None = None
        if service.get("client_certificate"):
            client = self._certificates(service["client_certificate"])
            if client is None:
                missing = service["client_certificate"]
                raise ReleaseRefused([f"service {name}: certificate {missing} is not there"])
        sources = () if authorities else self._sources
        try:
            return _context(verify, tuple(authorities), client, sources)
        except (ssl.SSLError, SettingsError) as error:
            problem = f"service {name}: TLS settings cannot be used: {error}"
            raise ReleaseRefused([problem]) from error


@lru_cache(maxsize=256)
def _context(
    verify: bool,
    authorities: tuple[str, ...],
    client: tuple[str, str] | None,
    sources: tuple[str, ...],
) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if verify:
        trust(context, sources, "lua_ssl_trusted_certificate")
        for pem in authorities:
            add_authorities(context, pem)
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if client is not None:
        load_chain(context, *client)
    return context
