# SPDX-License-Identifier: Apache-2.0
"""Control planes killed with SIGKILL at any moment leave the old state or the new, never a mix.

The moments are random; a failure names the seed, which ``KILL_SEED`` in the environment repeats.
"""

from __future__ import annotations

import os
import random

import sqlalchemy as sa

from gateway.control_plane.database import schema
from gateway.control_plane.tables import METADATA
from tests.support.killed import KEYS, Victim, content, following, migrate, write
from tests.support.storage import Storage

WRITES, MIGRATIONS = 30, 20
SEED = int(os.environ.get("KILL_SEED", random.randrange(10**9)))


def test_a_killed_writer_leaves_whole_releases(storage: Storage) -> None:
    chance = random.Random(SEED)
    store = storage.store(keyring=KEYS)
    for turn in range(WRITES):
        confirmed = Victim(write, storage).kill(after=chance.uniform(0, 0.12))
        newest = store.newest()
        where = f"seed {SEED}, turn {turn}"
        if newest is None:
            assert confirmed == 0, where
            continue
        assert confirmed == 0 or confirmed <= newest.number <= confirmed + 1, where
        looked_at = {newest.number, chance.randint(1, newest.number)}
        fresh = storage.unopened(keyring=KEYS)
        for number in looked_at:
            found = fresh.get(number)
            assert (found.message, found.table) == (str(number), content(number)), where
        assert [info.number for info in fresh.list(3)] == list(
            range(newest.number, max(0, newest.number - 3), -1)
        ), where
        fresh.close()
    assert store.append(following), "and the next one may write"


def test_a_killed_migration_leaves_the_form_from_before_or_the_newest(storage: Storage) -> None:
    chance = random.Random(SEED)
    forms: set[str | None] = set()
    for turn in range(MIGRATIONS):
        older(storage)
        Victim(migrate, storage).kill(after=chance.uniform(0, 0.15))
        found = storage.execute("SELECT version_num FROM alembic_version")
        where = f"seed {SEED}, turn {turn}: {found}"
        (form,) = (row[0] for row in found)
        assert form in (schema.FIRST, schema.NEWEST), where
        forms.add(form)
        there = set(tables(storage))
        first = {"releases", "entities", "data_planes", "notes", schema.VERSION.name}
        wanted = first if form == schema.FIRST else first | METADATA.tables.keys()
        assert there == wanted, where
        store = storage.store(keyring=KEYS)
        assert store.get(1).table == content(1), where
        assert store.get(2).table == content(2), where
        store.close()


def older(storage: Storage) -> None:
    """Have a database of the first form, with two releases."""
    store = storage.store(keyring=KEYS)
    while store.newest() is None or not store.list(1)[0].number > 1:
        store.append(following)
    store.close()
    first = {"releases", "entities", "data_planes", "notes"}
    for name in METADATA.tables.keys() - first:
        storage.execute(f"DROP TABLE {name}")
    storage.execute(f"UPDATE alembic_version SET version_num = '{schema.FIRST}'")


def tables(storage: Storage) -> list[str]:
    database = storage.database()
    with database.reading() as connection:
        found = sa.inspect(connection).get_table_names()
    database.close()
    return found
