# SPDX-License-Identifier: Apache-2.0
"""Control planes killed with SIGKILL at any moment leave the old state or the new, never a mix.

The moments are random; a failure names the seed, which ``KILL_SEED`` in the environment repeats.
``KILL_ROUNDS`` says how often each is killed: few in the gate, 50 at night.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gateway.control_plane.database import schema
from gateway.control_plane.tables import METADATA
from tests.support.control_plane_process import until_ready
from tests.support.fleet import LightDataPlane
from tests.support.http import until
from tests.support.killed import (
    KEYS,
    ROUNDS,
    SEED,
    Victim,
    content,
    following,
    write,
)
from tests.support.storage import Storage
from tests.support.under_fire import (
    PATHS,
    FragileControlPlane,
    Writers,
    asking,
    editions,
    following_node,
    light_data_plane,
)
from tests.support.waiting import PATIENCE


def test_a_killed_writer_leaves_whole_releases(storage: Storage) -> None:
    chance = random.Random(SEED)
    store = storage.store(keyring=KEYS)
    for turn in range(2 * ROUNDS):
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


@pytest.mark.timeout(max(300, 20 * ROUNDS))
async def test_a_control_plane_killed_under_fire_keeps_all_it_has_acknowledged(
    tmp_path: Path, storage: Storage
) -> None:
    """Clients publish, hold and write; a data plane is asked all the while."""
    cluster = FragileControlPlane(tmp_path, storage)
    writers = Writers(f"http://127.0.0.1:{cluster.admin}")
    mixes: list[Any] = []

    def taken(table: dict[str, Any]) -> None:
        mixes.extend(one for one in editions(table["plugins"]).items() if len(one[1]) > 1)

    plane = light_data_plane(cluster.port, taken)
    cluster.start()
    try:
        await until_ready(cluster.status)
        await writers.begin()
        plane.start()
        with following_node(cluster.port, tmp_path) as node:
            await asyncio.to_thread(node.ready)
            with asking(node.proxy) as asked:
                digest = await killed_under_fire(cluster, writers, plane)
                await until(lambda: node.json("/status")["configuration_hash"] == digest)
                served = asked.count + len(PATHS)
                await until(lambda: asked.count > served)
    finally:
        cluster.kill()
        await plane.stop()
    assert not mixes, f"seed {SEED}"
    assert not asked.problems, f"seed {SEED}: {asked.problems[:5]}"
    for letter, edition in writers.acknowledged.items():
        assert asked.newest[letter] >= edition
    assert cluster.log.read_text() == "", "errors are for what an operator can mend"


async def killed_under_fire(
    cluster: FragileControlPlane, writers: Writers, plane: LightDataPlane
) -> str:
    """Kill it again and again; return the hash of the newest release."""
    chance = random.Random(SEED)
    digest = ""
    for _ in range(ROUNDS):
        writing = asyncio.create_task(writers.write())
        await asyncio.wait([writing], timeout=chance.uniform(0.05, 0.6))
        cluster.kill()
        await writing
        cluster.start()
        await until_ready(cluster.status)
        digest = await writers.check()
        async with asyncio.timeout(PATIENCE):
            await plane.serves(digest)
    return digest


@pytest.mark.timeout(max(300, 20 * ROUNDS))
async def test_a_control_plane_killed_while_it_brings_its_database_up_does_so_the_next_time(
    tmp_path: Path, storage: Storage
) -> None:
    chance = random.Random(SEED)
    cluster = FragileControlPlane(tmp_path, storage)
    for turn in range(ROUNDS):
        older(storage)
        cluster.start()
        cluster.kill(after=chance.uniform(0, 0.3))
        found = storage.execute("SELECT version_num FROM alembic_version")
        where = f"seed {SEED}, turn {turn}: {found}"
        (form,) = (row[0] for row in found)
        assert form in (schema.FIRST, schema.NEWEST), where
        there = set(tables(storage))
        first = {"releases", "entities", "data_planes", "notes", schema.VERSION.name}
        wanted = first if form == schema.FIRST else first | METADATA.tables.keys()
        assert there == wanted, where
        cluster.start()
        await until_ready(cluster.status)
        cluster.kill()
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
