# SPDX-License-Identifier: Apache-2.0
"""The network is cut, so that packets are swallowed, while clients write and requests are served.

In the gate all of it is cut at once, for a moment. With ``CUT_SECONDS=60``, longer than the ends of
a connection wait for each other, each part is cut by itself as well.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.support.control_plane_process import until_ready
from tests.support.fleet import LightDataPlane, Network, network
from tests.support.http import passing, until
from tests.support.node import NodeProcess
from tests.support.postgres import Postgres
from tests.support.storage import Storage
from tests.support.under_fire import (
    PATHS,
    Asked,
    FragileControlPlane,
    Writers,
    asking,
    following_node,
    light_data_plane,
)

CUT = float(os.environ.get("CUT_SECONDS", 1))
PATIENCE = 60.0
"""Seconds in which what is whole again is found to be so."""
pytestmark = pytest.mark.timeout(300 + 6 * CUT)


@pytest.fixture
def storage(postgres: Postgres, tmp_path: Path) -> Iterator[Storage]:
    with Storage.on(postgres, tmp_path) as storage:
        yield storage


class Served:
    """Two control planes of one database, clients of the first, and data planes of both."""

    def __init__(
        self,
        first: FragileControlPlane,
        writers: Writers,
        planes: list[LightDataPlane],
        node: NodeProcess,
        asked: Asked,
    ) -> None:
        self.writers = writers
        self._first = first
        self._planes = planes
        self._node = node
        self._asked = asked

    async def cut(self, networks: list[Network], to_database: Network) -> None:
        """Cut networks for a while; of one to the database clients are told, and write again."""
        for one in networks:
            one.cut()
        before, refused = dict(self.writers.acknowledged), self.writers.refused
        await passing(CUT)
        if to_database in networks:
            await until(lambda: self.writers.refused > refused, PATIENCE)
        for one in networks:
            one.mend()
        await until(lambda: all_above(self.writers.acknowledged, before), PATIENCE)

    async def converges(self) -> None:
        """All that was acknowledged is there, and is what all data planes serve in the end."""
        digest = await self.writers.check()
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(plane.serves(digest) for plane in self._planes))
        await until(lambda: self._node.json("/status")["configuration_hash"] == digest, PATIENCE)
        served = self._asked.count + len(PATHS)
        await until(lambda: self._asked.count > served, PATIENCE)
        for letter, edition in self.writers.acknowledged.items():
            assert self._asked.newest[letter] >= edition
        assert not self._asked.problems, self._asked.problems[:5]


@asynccontextmanager
async def serving(
    folder: Path, storage: Storage, port: int, to_control_planes: list[Network]
) -> AsyncIterator[Served]:
    """Run all of it; the control planes reach their database at a port."""
    values = {"pg_port": str(port), "pg_timeout": "2000", "db_update_frequency": "0.5"}
    both = [FragileControlPlane(folder / name, storage, **values) for name in "ab"]
    writers = Writers(both[0].url, patient=True)
    planes: list[LightDataPlane] = []
    try:
        for one in both:
            one.start()
            await until_ready(one.status)
        await writers.begin()
        async with network(both[0].port, both[1].port) as between:
            to_control_planes.append(between)
            planes += [light_data_plane(between.port) for _ in range(4)]
            for plane in planes:
                plane.start()
            with following_node(between.port, folder) as node:
                await asyncio.to_thread(node.ready)
                with asking(node.proxy) as asked:
                    yield Served(both[0], writers, planes, node, asked)
            await asyncio.gather(*(plane.stop() for plane in planes))
    finally:
        for one in both:
            one.kill()


async def test_all_converge_by_themselves_when_a_cut_network_is_whole_again(
    tmp_path: Path, postgres: Postgres, storage: Storage
) -> None:
    to_control_planes: list[Network] = []
    async with (
        network(postgres.port) as to_database,
        serving(tmp_path, storage, to_database.port, to_control_planes) as served,
    ):
        cuts = [[*to_control_planes, to_database]]
        if "CUT_SECONDS" in os.environ:
            cuts += [to_control_planes, [to_database]]
        for cut in cuts:
            writing = asyncio.create_task(served.writers.write())
            await served.cut(cut, to_database)
            served.writers.stop()
            await writing
            await served.converges()


def all_above(now: dict[str, int], before: dict[str, int]) -> bool:
    return all(now[letter] > edition for letter, edition in before.items())
