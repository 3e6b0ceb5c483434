# SPDX-License-Identifier: Apache-2.0
"""``python -m bench.single_writes [sqlite|postgres]``: what writes cost a control plane.

2,000 routes with a plugin each are written as decK writes them, ten requests at a time; as many are
published, with a data plane connected; then single writes are made beside 10,000 entities. The
writes have none, since how often one is sent what is new depends on the clock.
Prints seconds of processor time of the control plane, which alone says something on a machine that
others use as well, and by the clock. Fails when one of them misses its target.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import uvloop

from bench.processes import process_seconds
from tests.support.control_plane_process import process, until_ready, values_with_ports
from tests.support.deck import PARALLEL, Write, entity_id, guarded_routes
from tests.support.fleet import LightDataPlane
from tests.support.postgres import running_postgres
from tests.support.under_fire import light_data_plane

_ROUTES, _SERVICES = 2000, 20
_BESIDE, _WRITES = 5000, 200
"""Routes with a plugin each: 10,000 entities; and how many writes are made beside them."""
_SYNC, _PUBLISH, _WRITE = 20.0, 1.0, 0.005
"""Targets in seconds of processor time."""
_ROOM = 30 * 2**20
"""Most bytes that the releases of the sync take."""


@dataclass
class Cost:
    """Seconds."""

    clock: float = 0.0
    processor: float = 0.0


class Subject:
    """The control plane that is measured."""

    def __init__(self, session: aiohttp.ClientSession, pid: int, folder: Path) -> None:
        self._session = session
        self._pid = pid
        self._folder = folder

    @contextmanager
    def cost(self) -> Iterator[Cost]:
        """Measure what happens in the block."""
        found = Cost()
        started, before = time.monotonic(), process_seconds(self._pid)
        yield found
        found.clock = time.monotonic() - started
        found.processor = process_seconds(self._pid) - before

    def room(self) -> int:
        """Return the bytes of the database's files; 0 for PostgreSQL's."""
        return sum(file.stat().st_size for file in self._folder.glob("control-plane.sqlite*"))

    async def write(self, levels: list[list[Write]]) -> None:
        """Make writes as decK does."""
        gate = asyncio.Semaphore(PARALLEL)

        async def put(path: str, body: dict[str, Any]) -> None:
            async with gate, self._session.put(path, json=body) as reply:
                assert reply.status == 200, await reply.text()

        for level in levels:
            await asyncio.gather(*(put(path, body) for path, body in level))

    async def publish(self, owner: str, routes: int, wait: float = 0) -> None:
        """Publish an owner's routes with a plugin each; with ``wait``, until one confirms."""
        plugins = {"correlation-id": {"config": {"header_name": f"X-{owner}"}}}
        found = {f"{owner}-{n}": {"paths": [f"/{owner}/{n}"]} for n in range(routes)}
        document = {
            "services": {
                owner: {
                    "host": "upstream.test",
                    "routes": {
                        name: {**route, "plugins": plugins} for name, route in found.items()
                    },
                }
            }
        }
        body = {"owner": owner, "document": document, "wait": wait}
        async with self._session.post("/releases", json=body) as reply:
            answered = await reply.json()
        assert reply.status == 201, answered
        if wait:
            assert [one["status"] for one in answered["data_planes"]] == ["confirmed"], answered


async def _measure(subject: Subject, plane: LightDataPlane) -> bool:
    with subject.cost() as sync:
        await subject.write(guarded_routes(_ROUTES, _SERVICES))
    count = 2 * _ROUTES + _SERVICES
    _tell(f"{count} single writes", sync)
    room = subject.room()
    print(f"{room / 2**20:16.1f} MiB of database for them", flush=True)
    plane.start()
    await plane.changed.wait()
    with subject.cost() as published:
        await subject.publish("published", _ROUTES, wait=120)
    _tell(f"a publish of {_ROUTES} routes with a plugin, until confirmed", published)
    await plane.stop()
    await subject.publish("beside", _BESIDE)
    with subject.cost() as beside:
        path = f"/services/{entity_id('changed')}"
        await subject.write([[(path, {"host": f"h{n}.test"}) for n in range(_WRITES)]])
    beside = Cost(beside.clock / _WRITES, beside.processor / _WRITES)
    _tell(f"a write beside {2 * _BESIDE} entities and those before", beside, 1000, "ms")
    return (
        sync.processor < _SYNC
        and room < _ROOM
        and published.processor < _PUBLISH
        and beside.processor < _WRITE
    )


def _tell(what: str, cost: Cost, factor: float = 1, unit: str = "s") -> None:
    clock, processor = cost.clock * factor, cost.processor * factor
    print(f"{processor:7.2f} {unit} CPU {clock:7.2f} {unit}  {what}", flush=True)


async def _run(ports: list[int], pid: int, folder: Path) -> bool:
    admin, cluster, status = ports
    await until_ready(status)
    plane = light_data_plane(cluster)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{admin}") as session:
        return await _measure(Subject(session, pid, folder), plane)


def main(arguments: list[str]) -> int:
    """Run it; return an exit code."""
    with ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory()))
        values, ports = values_with_ports(folder)
        values |= {"log_level": "crit"}
        if arguments == ["postgres"]:
            server = ends.enter_context(running_postgres())
            values |= server.settings("postgres", folder)
        started = ends.enter_context(process(values))
        return int(not uvloop.run(_run(ports, started.pid, folder)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
