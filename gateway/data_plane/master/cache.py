# SPDX-License-Identifier: Apache-2.0
"""The last release on disk, so that a node serves again while its control plane is unreachable.

The file: ``KGC1``, SHA-256 of all that follows, a 12-byte nonce, and the control plane's frame
under AES-256-GCM. The key comes by HKDF (RFC 5869) from the node's private key of the cluster, so
a copied disk without that key is of no use. The digest tells a damaged file from another key.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.atomic_file import write_atomically
from gateway.errors import CacheError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_MAGIC = b"KGC1"
_DIGEST, _NONCE = 32, 12
_PURPOSE = b"kafka-gateway configuration cache 1"
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----(.*?)-----END", re.DOTALL)


class ConfigCache:
    """``<prefix>/config.cache``, readable with one private key. ``private_key`` is PEM text."""

    def __init__(self, path: Path, private_key: str) -> None:
        self.path = path
        self._private_key = private_key

    def save(self, frame: bytes) -> None:
        """Replace the cached frame. Raises ``OSError``: a full disk must be reported, not fatal."""
        nonce = os.urandom(_NONCE)
        sealed = nonce + self._cipher().encrypt(nonce, frame, _MAGIC)
        write_atomically(self.path, _MAGIC + hashlib.sha256(sealed).digest() + sealed)

    def load(self) -> bytes | None:
        """Return the cached frame, or None without a file. Raises ``CacheError`` saying why not."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CacheError(f"{self.path}: {error.strerror}") from None
        start = len(_MAGIC) + _DIGEST
        sealed = content[start:]
        sound = content[: len(_MAGIC)] == _MAGIC and len(sealed) > _NONCE
        if not sound or hashlib.sha256(sealed).digest() != content[len(_MAGIC) : start]:
            raise CacheError(f"{self.path}: damaged")
        return self._open(sealed)

    def _open(self, sealed: bytes) -> bytes:
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher().decrypt(sealed[:_NONCE], sealed[_NONCE:], _MAGIC)
        except InvalidTag:
            raise CacheError(f"{self.path}: written with another cluster key") from None

    def _cipher(self) -> AESGCM:
        # Imported here: a node without a cache to read starts without it.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF

        found = _PEM.search(self._private_key)
        if found is None:
            raise CacheError("the cluster key is not a PEM private key")
        secret = base64.b64decode("".join(found[1].split()))
        return AESGCM(HKDF(SHA256(), 32, salt=None, info=_PURPOSE).derive(secret))
