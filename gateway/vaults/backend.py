# SPDX-License-Identifier: Apache-2.0
"""What a kind of vault is to those who fetch secrets from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from gateway.errors import VaultError


@dataclass(frozen=True)
class FetchedSecret:
    """What a vault gave: a text, or an object with members."""

    content: str | Mapping[str, Any] = field(repr=False)
    life: float | None = None
    """Seconds that it is good for, where the vault says so."""


class Backend(Protocol):
    """One vault. Its methods block, for some seconds at most, and may be called from threads."""

    def fetch(self, resource: str, key: str | None, version: int | None) -> FetchedSecret:
        """Return a secret as a whole. Raises ``VaultError``, and ``SecretMissing``.

        ``key`` is which member will be taken of it, for vaults that keep members apart.
        """

    def tend(self) -> float | None:
        """Do what keeps the access alive; return in how many seconds to call again, or None."""


@dataclass(frozen=True)
class Surroundings:
    """What vaults use of the node that they are asked from."""

    environment: Mapping[str, str] = field(repr=False)
    folders: tuple[str, ...] = ()
    """Folders that files may be read from."""
    trusted_ca: str | None = None
    """File of the trusted authorities; None: the system's."""


_LARGEST = 1024**2


def read_file(path: str | Path, folders: tuple[str, ...]) -> str:
    """Return the text of a file below one of the folders, without the line end at its end.

    Raises ``VaultError`` saying what keeps it from being read.
    """
    file = Path(path)
    try:
        real = file.resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        raise VaultError(f"there is no file {file}") from None
    if not any(real.is_relative_to(Path(folder).resolve()) for folder in folders):
        raise VaultError(f"{file} is in none of the folders of the setting vault_folders")
    try:
        if not real.is_file() or real.stat().st_size > _LARGEST:
            raise VaultError(f"{file} is no file of 1 MiB at most")
        return real.read_text().removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise VaultError(f"cannot read {file}: {reason}") from None
