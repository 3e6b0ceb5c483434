# SPDX-License-Identifier: Apache-2.0
"""Which database a control plane's settings name, and the keys for what is in it."""

from __future__ import annotations

from pathlib import Path

from gateway.control_plane.database.database import Database
from gateway.control_plane.keyring import Keyring
from gateway.settings.settings import Settings

FILE = "control-plane.sqlite"
"""Name of the SQLite database in the prefix folder."""

_LOCK_TIMEOUT = 2.5
"""Seconds to wait for another's write lock; stopping must not take longer."""


def database_of(settings: Settings) -> Database:
    """Return the database; nothing is opened yet."""
    # Late: each loads a driver of its own.
    if settings.store == "postgres":
        from gateway.control_plane.database.postgres import PostgresDatabase
        from gateway.control_plane.database.postgres_address import PostgresAddress

        return PostgresDatabase(PostgresAddress.from_settings(settings), _LOCK_TIMEOUT)
    from gateway.control_plane.database.sqlite import SqliteDatabase

    return SqliteDatabase(Path(settings.prefix) / FILE, _LOCK_TIMEOUT)


def keyring_of(settings: Settings) -> Keyring:
    """Return the keys; without the setting one is made beside a SQLite database.

    Raises ``SettingsError`` and ``StoreError``.
    """
    if settings.keyring_file is None:
        return Keyring.beside_database(Path(settings.prefix))
    return Keyring.from_file(settings.keyring_file)
