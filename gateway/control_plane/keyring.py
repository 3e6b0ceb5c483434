# SPDX-License-Identifier: Apache-2.0
"""Encrypts releases in the database: consumers' credentials are in them.

A sealed snapshot is ``KGS1``, eight bytes that tell the key, a 12-byte nonce, and the content under
AES-256-GCM, bound to its release's number. Keys come by HKDF (RFC 5869) from the lines of one file:
the first seals, all of them open, so a new key is put in front and the old ones stay. Without the
setting the file is one beside the database, made with a random key at the first start.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.atomic_file import create_atomically
from gateway.errors import SettingsError, StoreError

BESIDE = "control-plane.keyring"
"""Name of the file in the prefix folder that is used without the setting."""
SHORTEST = 32
"""Characters of a line: less is no key that was made at random."""
MAGIC = b"KGS1"
_MARK, _NONCE = 8, 12
_RANDOM = 48
"""Bytes of a key that we make."""
_PURPOSE = b"kafka-gateway control plane keyring 1"


class Keyring:
    """The keys of one control plane; without any, snapshots stay as they are."""

    def __init__(self, keys: Sequence[str] = ()) -> None:
        self._ciphers = dict(_cipher(key) for key in keys)
        self._first = keys[0].encode() if keys else os.urandom(_RANDOM)

    @classmethod
    def from_file(cls, path: str | None) -> Keyring:
        """Read a file with a key a line. Raises ``SettingsError``; its text holds no key."""
        if path is None:
            return cls()
        try:
            lines = [line.strip() for line in Path(path).read_text().splitlines()]
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not a text file"
            raise SettingsError(f"KONG_KEYRING_FILE: cannot read {path}: {reason}") from None
        keys = [line for line in lines if line]
        if not keys or min(map(len, keys)) < SHORTEST:
            raise SettingsError(
                f"KONG_KEYRING_FILE: {path} has no key, or a short one; allowed: one key a line, "
                f"the one in use first, each of at least {SHORTEST} characters"
            )
        return cls(keys)

    @classmethod
    def beside_database(cls, prefix: Path) -> Keyring:
        """Read the keyring of the prefix folder; the first start makes it, mode 0600.

        Raises ``StoreError`` when it cannot be made and ``SettingsError`` when it cannot be read.
        """
        path = prefix / BESIDE
        try:
            if not path.exists():
                create_atomically(path, secrets.token_urlsafe(_RANDOM).encode() + b"\n")
        except OSError as error:
            text = f"cannot create the keyring {path}: {error.strerror}"
            raise StoreError(f"{text}; set KONG_PREFIX to a folder that can be written") from None
        return cls.from_file(str(path))

    def derived(self, purpose: str) -> bytes:
        """Return 32 bytes for another purpose, the same wherever this key seals.

        Without any key they are random: they are of use until the process ends.
        """
        info = f"kafka-gateway {purpose}".encode()
        return HKDF(SHA256(), 32, salt=None, info=info).derive(self._first)

    @property
    def seals(self) -> bool:
        """Whether there is a key at all."""
        return bool(self._ciphers)

    @staticmethod
    def is_sealed(stored: bytes) -> bool:
        """Tell whether a snapshot was sealed by any keyring."""
        return stored.startswith(MAGIC)

    def seal(self, content: bytes, number: int) -> bytes:
        """Encrypt the snapshot of release ``number``."""
        if not self._ciphers:
            return content
        mark, cipher = next(iter(self._ciphers.items()))
        nonce = os.urandom(_NONCE)
        return MAGIC + mark + nonce + cipher.encrypt(nonce, content, _bound(number))

    def open(self, stored: bytes, number: int) -> bytes:
        """Decrypt; what was written before there was a keyring is returned as it is.

        Raises ``StoreError`` when no key fits, or when the content is not what was sealed.
        """
        if not self.is_sealed(stored):
            return stored
        mark, sealed = stored[len(MAGIC) :][:_MARK], stored[len(MAGIC) + _MARK :]
        cipher = self._ciphers.get(mark)
        if cipher is None:
            raise StoreError(
                f"release {number} in the database is encrypted with a key that is not in "
                f"KONG_KEYRING_FILE (without that setting {BESIDE} in KONG_PREFIX); "
                "add it there as a further line"
            )
        try:
            return cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], _bound(number))
        except InvalidTag:
            raise StoreError(
                f"release {number} in the database is damaged; restore the database from a backup"
            ) from None


def _bound(number: int) -> bytes:
    return MAGIC + number.to_bytes(8, "big")


def _cipher(key: str) -> tuple[bytes, AESGCM]:
    length = 32 + _MARK
    made = HKDF(SHA256(), length, salt=None, info=_PURPOSE).derive(key.encode())
    return made[32:], AESGCM(made[:32])
