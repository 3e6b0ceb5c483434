# SPDX-License-Identifier: Apache-2.0
"""The network is cut, so that packets are swallowed, while clients write and requests are served.

In the gate all of it is cut at once, for a moment. With ``CUT_SECONDS=60``, longer than the ends of
a connection wait for each other, each part is cut by itself as well.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from tests.support.control_plane import cluster_settings
from tests.support.control_plane_process import until_ready
from tests.support.fleet import LightDataPlane, Network, network
from tests.support.http import passing, until
from tests.support.kernel_network import KernelNetwork, kernel_network
from tests.support.node import NodeProcess
from tests.support.ports import free_ports
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


class Cuttable(Protocol):
    """A network that can be cut."""

    def cut(self) -> None: ...

    def mend(self) -> None: ...


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

    async def cut(self, networks: Sequence[Cuttable], to_database: Cuttable) -> None:
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


@pytest.fixture
def cable() -> Iterator[KernelNetwork]:
    try:
        with kernel_network() as made:
            yield made
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("network namespaces need root, and ip")


@contextmanager
def node_beyond(cable: KernelNetwork, port: int, folder: Path) -> Iterator[NodeProcess]:
    """Run a node on the other side, which reaches a control plane here at a port."""
    proxy, status = free_ports(2)
    values = {**cluster_settings(port, folder), "KONG_NGINX_WORKER_PROCESSES": "1"}
    values |= {f"KAFKA_GATEWAY_CLUSTER_RECONNECT_{end}": "200ms" for end in ("MIN", "MAX")}
    values |= {
        "KONG_CLUSTER_CONTROL_PLANE": f"{cable.here}:{port}",
        "KONG_PROXY_LISTEN": f"{cable.beside}:{proxy}",
        "KONG_STATUS_LISTEN": f"{cable.beside}:{status}",
    }
    node = NodeProcess(folder, values, within=cable.within).start()
    try:
        with cable.relay_beside(proxy) as node.proxy, cable.relay_beside(status) as node.status:
            node.ready()
            yield node
    finally:
        node.end()


async def test_all_converge_when_the_kernel_has_dropped_what_went_between_them(
    tmp_path: Path, postgres: Postgres, storage: Storage, cable: KernelNetwork
) -> None:
    """The ends' own connections: to a data plane, and to the database."""
    (port,) = free_ports(1)
    async with network(postgres.port, at=cable.here) as to_database:
        with cable.relay(to_database.port) as database:
            values = {"pg_host": cable.there, "pg_port": str(database), "pg_timeout": "2000"}
            values |= {"cluster_listen": f"0.0.0.0:{port}", "db_update_frequency": "0.5"}
            place = FragileControlPlane(tmp_path / "a", storage, **values)
            writers = Writers(place.url, patient=True)
            planes = [light_data_plane(port) for _ in range(4)]
            try:
                place.start()
                await until_ready(place.status)
                await writers.begin()
                for plane in planes:
                    plane.start()
                with node_beyond(cable, port, tmp_path) as node, asking(node.proxy) as asked:
                    served = Served(place, writers, planes, node, asked)
                    writing = asyncio.create_task(writers.write())
                    await served.cut([cable], cable)
                    writers.stop()
                    await writing
                    await served.converges()
            finally:
                await asyncio.gather(*(plane.stop() for plane in planes))
                place.kill()


def all_above(now: dict[str, int], before: dict[str, int]) -> bool:
    return all(now[letter] > edition for letter, edition in before.items())
