# SPDX-License-Identifier: Apache-2.0
"""SQLite files from before there were migrations; ``user_version`` tells their form.

1: every release had its whole configuration as ``snapshot``. 2: the first form of migrations.
"""

from __future__ import annotations

import sqlalchemy as sa

from gateway.control_plane.delta import between
from gateway.control_plane.keyring import Keyring
from gateway.control_plane.store_tables import (
    DATA_PLANES,
    ENTITIES_TABLE,
    NOTES,
    RELEASES,
    decoded,
    entity_changes,
)

MIGRATED = 3
"""What stands in ``user_version`` from then on: programs from before refuse the file."""


def legacy_form(connection: sa.Connection) -> int:
    """Return the form of a file; 0 for a new one, ``MIGRATED`` or more for none of these."""
    found: int = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    return found


def take_over(connection: sa.Connection, found: int, keyring: Keyring) -> None:
    """Bring a file of form 1 or 2 to the first form of migrations, and mark it and new ones."""
    connection.exec_driver_sql(f"PRAGMA user_version={MIGRATED}")
    if found == 1:
        for column in ("undo BLOB", "target INTEGER"):
            connection.exec_driver_sql(f"ALTER TABLE releases ADD COLUMN {column}")
        for table in (ENTITIES_TABLE, DATA_PLANES, NOTES):
            table.create(connection, checkfirst=True)
        _spread_newest(connection, keyring)


def _spread_newest(connection: sa.Connection, keyring: Keyring) -> None:
    """Write the newest configuration as rows, which form 1 had in its release alone."""
    columns = RELEASES.c
    query = sa.select(columns.number, columns.snapshot).order_by(columns.number.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    if row is not None:
        table = decoded(row.snapshot, keyring, row.number)
        for one in entity_changes("sqlite", between({}, table), keyring, row.number):
            connection.execute(one.clause, one.rows)
