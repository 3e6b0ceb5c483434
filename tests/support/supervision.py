# SPDX-License-Identifier: Apache-2.0
"""A supervisor of fake workers, and releases that say how these respond."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from gateway.data_plane.counters import total
from gateway.data_plane.master.node_release import NodeRelease
from gateway.data_plane.master.spawn import Spawned
from gateway.data_plane.master.supervisor import Supervisor
from tests.support.fake_worker import spawn
from tests.support.http import until


def release(digest: str, **behaviour: object) -> NodeRelease:
    return NodeRelease(digest, json.dumps(behaviour).encode(), empty=False)


FIRST, SECOND = release("first"), release("second")


@asynccontextmanager
async def supervising(
    start: NodeRelease | None = None,
    count: int = 2,
    spawn: Callable[[int], Spawned] = spawn,
    *,
    settled: bool = True,
    watchdog: float = 0,
) -> AsyncIterator[Supervisor]:
    """Run fake workers; all are gone at the end."""
    init = {"addresses": "", "drain": 1.0, "watchdog": watchdog}
    made = Supervisor([spawn(index) for index in range(count)], init, spawn)
    made.start(start, {})
    try:
        if settled:
            await until(lambda: made.ready == count)
        yield made
    finally:
        await made.stop(1.0)
        assert all(worker.exited.is_set() for worker in made.workers)


async def served(supervisor: Supervisor) -> dict[str, int]:
    """Return how many workers serve which hash."""
    found: dict[str, int] = total(await supervisor.gather())["gauges"]
    return found
