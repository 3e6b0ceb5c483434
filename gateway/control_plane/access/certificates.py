# SPDX-License-Identifier: Apache-2.0
"""Whom a client certificate names: by its alternative names, and its common name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from cryptography import x509
from cryptography.x509.oid import NameOID


@lru_cache(maxsize=1024)
def certificate_names(certificate: bytes) -> tuple[str, ...]:
    """Return the names of a certificate (DER) that TLS has verified; the most specific first.

    E-mail addresses and DNS names (RFC 5280 section 4.2.1.6), then common names, each once.
    """
    try:
        return tuple(dict.fromkeys(_names(x509.load_der_x509_certificate(certificate))))
    except (ValueError, x509.UnsupportedGeneralNameType):
        return ()


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
