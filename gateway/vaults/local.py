# SPDX-License-Identifier: Apache-2.0
"""Vaults of the node itself: its environment, and files in its folders."""

from __future__ import annotations

from pathlib import Path

from gateway.entities.vault_kinds import EnvVault, FileVault
from gateway.errors import SecretMissing, VaultError
from gateway.vaults.backend import FetchedSecret, Surroundings, read_file
from gateway.vaults.references import variable


class Environment:
    """Variables of the process, and of the file that the setting ``env_file`` names."""

    def __init__(self, config: EnvVault, surroundings: Surroundings) -> None:
        self._prefix = config.prefix or ""
        self._variables = surroundings.environment

    def fetch(self, resource: str, key: str | None, version: int | None) -> FetchedSecret:
        """See ``Backend``."""
        name = variable(resource, self._prefix)
        found = self._variables.get(name)
        if not found:
            # In Kubernetes data planes are behind their stack's routes: ready when they serve them.
            text = "of a stack in Kubernetes, run an `up` with its `secrets` before routes name one"
            raise SecretMissing(f"there is no variable {name}; {text}")
        return FetchedSecret(found)

    def tend(self) -> float | None:
        """See ``Backend``."""
        return None


class Files:
    """Files below a folder: a secret is a file, or a member of one that holds a JSON object."""

    def __init__(self, config: FileVault, surroundings: Surroundings) -> None:
        self._root = Path(config.root)
        self._folders = surroundings.folders

    def fetch(self, resource: str, key: str | None, version: int | None) -> FetchedSecret:
        """See ``Backend``. Of a folder, ``key`` is the file in it."""
        file = self._root / resource.lstrip("/")
        if ".." in file.parts or "\0" in resource:
            raise VaultError("a path must not lead out of the vault's folder")
        if not self._root.resolve().is_dir():
            raise VaultError(f"there is no folder {self._root}")
        if key is not None and file.is_dir():
            if key in ("", ".", ".."):
                raise VaultError("a path must not lead out of the vault's folder")
            return FetchedSecret({key: self._read(file / key)})
        return FetchedSecret(self._read(file))

    def _read(self, file: Path) -> str:
        real = file.resolve()
        if not real.is_relative_to(self._root.resolve()):
            raise VaultError("a path must not lead out of the vault's folder")
        if not file.exists():
            raise SecretMissing(f"there is no file {file}")
        return read_file(file, self._folders)

    def tend(self) -> float | None:
        """See ``Backend``."""
        return None
