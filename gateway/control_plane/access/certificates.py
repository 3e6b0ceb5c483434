# SPDX-License-Identifier: Apache-2.0
"""Whom a client certificate names: by its alternative names, and its common name."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import lru_cache

from cryptography import x509
from cryptography.x509.oid import NameOID


def certificate_names(certificate: bytes) -> tuple[str, ...]:
    """Return the names of a certificate (DER) that TLS has verified; the most specific first.

    E-mail addresses and DNS names (RFC 5280 section 4.2.1.6), then common names, each once. None
    once it has expired: TLS looked at it when the connection was made, which may be long ago.
    """
    names, end = _read(certificate)
    return names if time.time() < end else ()


@lru_cache(maxsize=1024)
def _read(certificate: bytes) -> tuple[tuple[str, ...], float]:
    """Return the names, and until when they hold in seconds since 1970."""
    try:
        found = x509.load_der_x509_certificate(certificate)
        return tuple(dict.fromkeys(_names(found))), found.not_valid_after_utc.timestamp()
    except (ValueError, x509.UnsupportedGeneralNameType, x509.DuplicateExtension):
        return (), 0.0


def _names(certificate: x509.Certificate) -> Iterator[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        pass
    else:
        yield from found.value.get_values_for_type(x509.RFC822Name)
        yield from found.value.get_values_for_type(x509.DNSName)
    for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME):
        yield str(attribute.value)
