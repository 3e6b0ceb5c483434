# SPDX-License-Identifier: Apache-2.0
"""Certificates and keys in settings: path, PEM text, or base64 of it, as Kong takes them."""

from __future__ import annotations

import base64
import binascii
import ssl
import tempfile
from collections.abc import Sequence
from pathlib import Path

from gateway.errors import SettingsError

SYSTEM = "system"
"""The word for the operating system's trust store."""


def read_pem(value: str, setting: str) -> str:
    """Return the PEM text that ``value`` is or names.

    Raises ``SettingsError`` naming ``setting``; its text never holds a key.
    """
    text = _inline(value)
    if text is not None:
        return text
    try:
        return Path(value).read_text()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a text file"
        shown = value if len(value) < 256 and "\n" not in value else "(long text)"
        raise SettingsError(
            f"{setting}: cannot read {shown}: {reason}; give a path, PEM text or base64 of PEM text"
        ) from None


def _inline(value: str) -> str | None:
    if "-----BEGIN " in value:
        return value
    if len(value) < 128:
        return None
    try:
        text = base64.b64decode("".join(value.split()), validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    return text if "-----BEGIN " in text else None


def load_chain(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Load a certificate chain and its key, both PEM text, into ``context``.

    Python's ssl reads them only from files: one that only we can read exists for the moment.
    """
    with tempfile.NamedTemporaryFile("w", prefix="kafka-gateway-", suffix=".pem") as file:
        file.write(key.rstrip() + "\n" + certificate)
        file.flush()
        context.load_cert_chain(file.name)


def verifying(cafile: str | None = None, cadata: str | None = None) -> ssl.SSLContext:
    """Return a client's TLS settings that trust the given authorities (a file or PEM text), or else
    the system's.

    Certificates are held to what OpenSSL asks for by itself, as by nginx and Kong, whatever Python
    this is: from 3.13 on its default asks for all of RFC 5280 (``VERIFY_X509_STRICT``), which many
    a company's authority, without key usage or key identifiers, does not meet.
    """
    context = ssl.create_default_context(
        cafile=cafile, cadata=None if cadata is None else _ascii(cadata)
    )
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def trust(context: ssl.SSLContext, sources: Sequence[str], setting: str) -> None:
    """Trust the certificates of ``sources``: ``system``, paths, PEM text or base64."""
    for source in sources:
        if source == SYSTEM:
            context.load_default_certs(ssl.Purpose.SERVER_AUTH)
        else:
            add_authorities(context, read_pem(source, setting))


def add_authorities(context: ssl.SSLContext, text: str) -> None:
    """Trust the certificates of a PEM text, whatever stands around them; raises ``SSLError``."""
    context.load_verify_locations(cadata=_ascii(text))


def _ascii(text: str) -> str:
    # Python's ssl takes no other text, and bundles have names of authorities in their comments.
    return text.encode("ascii", "ignore").decode()
