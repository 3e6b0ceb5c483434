# SPDX-License-Identifier: Apache-2.0
"""Which form a database is in, and bringing it to the newest by alembic's scripts.

All of it is done in the caller's transaction, under the lock of writers: two at once are one after
the other, and one that is killed leaves the form from before.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from gateway.control_plane.database.legacy import MIGRATED, legacy_form, take_over
from gateway.control_plane.keyring import Keyring
from gateway.errors import StoreError
from gateway.logs import get_logger

FIRST, NEWEST = "1", "3"
"""Revisions in ``migrations/versions``."""
VERSION = sa.Table(
    "alembic_version", sa.MetaData(), sa.Column("version_num", sa.String(32), primary_key=True)
)
"""Alembic's own table, with the revision that the database has."""
FORM = sa.select(VERSION.c.version_num)
"""Asks for that revision, in a database that is in use."""

_log = get_logger("gateway.control_plane")
_SCRIPTS = Path(__file__).parent / "migrations"


def found_form(connection: sa.Connection) -> str | None:
    """Return the revision of a database that is in use."""
    return connection.execute(FORM).scalar()


def bring_up(connection: sa.Connection, keyring: Keyring, label: str) -> tuple[str | None, str]:
    """Bring a database to the newest form; return the one that it had, and has.

    Raises ``StoreError`` for a form that only a newer program knows.
    """
    begun = sa.inspect(connection).has_table(VERSION.name)
    found = found_form(connection) if begun else None
    if found == NEWEST:
        return found, NEWEST
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of itself at length
    # Late: alembic takes half a second to import, and is needed once for each new form.
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    if found is not None and found not in {one.revision for one in script.walk_revisions()}:
        raise StoreError(newer(label, found))
    legacy = _take_over(connection, keyring, label)

    def steps(revision: Any, _context: Any) -> Any:
        if legacy:
            return script._stamp_revs(FIRST, revision)
        return script._upgrade_revs(NEWEST, revision)

    for _ in range(2 if legacy else 1):
        with EnvironmentContext(config, script) as environment:
            environment.configure(connection=connection, fn=steps, transactional_ddl=True)
            environment.run_migrations()
        legacy = False
    _log.info("database brought up", database=label, before=found, form=NEWEST)
    return found, NEWEST


def _take_over(connection: sa.Connection, keyring: Keyring, label: str) -> bool:
    """Bring a file from before there were migrations to their first form; tell if it is one."""
    if connection.dialect.name != "sqlite":
        return False
    found = legacy_form(connection)
    if found > MIGRATED:
        raise StoreError(newer(label, str(found)))
    take_over(connection, found, keyring)
    return 0 < found < MIGRATED


def check_form(found: str | None, label: str) -> None:
    """Raise ``StoreError`` when a database is no longer in the form that this program knows."""
    if found != NEWEST:
        raise StoreError(newer(label, str(found)), 503)


def newer(label: str, form: str) -> str:
    """Return why a database is left alone."""
    text = f"the database {label} was written by a newer version (form {form})"
    return f"{text}; run that version, or use another database"
