# SPDX-License-Identifier: Apache-2.0
"""TLS of a client: whom it trusts and what it shows of itself."""

from __future__ import annotations

import ssl
from functools import lru_cache

from gateway.pem import add_authorities, load_chain, verifying


@lru_cache(maxsize=256)
def tls_context(
    verify: bool,
    ca: str | None = None,
    authorities: tuple[str, ...] = (),
    certificate: tuple[str, str] | None = None,
) -> ssl.SSLContext:
    """Return the settings of a client's TLS connection; equal ones share connections.

    ``ca``: a file of trusted certificates, None for the system's; ``authorities``: PEM texts that
    are trusted too; ``certificate``: that of the client and its key, both PEM. Raises
    ``ssl.SSLError`` or ``OSError``.
    """
    context = verifying(cafile=ca)
    for pem in authorities:
        add_authorities(context, pem)
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        load_chain(context, *certificate)
    return context
