# SPDX-License-Identifier: Apache-2.0
"""PEM texts: certificates and keys. Imported only where there are some; it takes its time."""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

_UNREADABLE = (ValueError, TypeError, UnsupportedAlgorithm)


def check_certificate(text: str) -> str:
    """Return what is wrong with a PEM certificate, or an empty string."""
    try:
        x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        return "invalid certificate: expected PEM text"
    return ""


def check_key(text: str) -> str:
    """Return what is wrong with a PEM private key, or an empty string."""
    try:
        load_pem_private_key(text.encode(), None)
    except _UNREADABLE:
        return "invalid key: expected a PEM private key without password"
    return ""


def check_public_key(text: str) -> str:
    """Return what is wrong with a PEM public key, or an empty string; a key pair holds one too."""
    try:
        load_pem_public_key(text.encode())
    except _UNREADABLE:
        if check_key(text):
            return "invalid key: expected a PEM public key"
    return ""


def check_pair(cert: str, key: str) -> str:
    """Return what is wrong with a certificate and its key, both PEM, or an empty string."""
    try:
        public = x509.load_pem_x509_certificates(cert.encode())[0].public_key()
        private = load_pem_private_key(key.encode(), None)
    except _UNREADABLE:
        return "certificate or key cannot be read"
    return "" if private.public_key() == public else "certificate does not match key"


def digest(text: str) -> str:
    """Return the SHA-256 digest of the first certificate in a sound PEM text, in hex."""
    return x509.load_pem_x509_certificates(text.encode())[0].fingerprint(hashes.SHA256()).hex()


def is_authority(text: str) -> bool:
    """Tell whether the first certificate in a sound PEM text may sign others."""
    certificate = x509.load_pem_x509_certificates(text.encode())[0]
    try:
        found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except x509.ExtensionNotFound:
        return False
    return found.value.ca
