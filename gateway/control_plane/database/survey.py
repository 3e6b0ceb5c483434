# SPDX-License-Identifier: Apache-2.0
"""What there is in a database, for people: nothing is opened, made or changed."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from gateway.control_plane.database.database import Database
from gateway.control_plane.database.schema import NEWEST, VERSION, found_form
from gateway.control_plane.tables import METADATA, RELEASES


def survey(database: Database) -> dict[str, Any]:
    """Return database, form, newest_form, newest_release, and the number of rows by table.

    ``form`` is null where there are no tables of migrations. Raises ``StoreError``.
    """
    found: dict[str, Any] = {"database": database.label, "form": None, "newest_form": NEWEST}
    found |= {"newest_release": None, "rows": {}}
    if not database.exists():
        return found
    with database.reading() as connection:
        there = set(sa.inspect(connection).get_table_names())
        if VERSION.name in there:
            found["form"] = found_form(connection)
        for table in METADATA.sorted_tables:
            if table.name in there:
                count = sa.select(sa.func.count()).select_from(table)
                found["rows"][str(table.name)] = connection.execute(count).scalar()
        if RELEASES.name in there:
            newest = sa.select(sa.func.max(RELEASES.c.number))
            found["newest_release"] = connection.execute(newest).scalar()
    return found
