# SPDX-License-Identifier: Apache-2.0
"""What is known of data planes, kept in the database: over a restart, and for other control planes.

A control plane writes the rows of those that are connected to it. Where others read them, what a
publishing call may wait for is written at once.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from functools import partial
from typing import Any

from gateway.control_plane.clustering.data_planes import DataPlanes
from gateway.control_plane.publisher import Publisher
from gateway.errors import StoreError
from gateway.logs import get_logger
from gateway.tasks import LastingTask

_EVERY = 5.0
"""Seconds between writes, of when data planes were seen last."""
_AT_ONCE = 0.2
"""Seconds in which what is urgent is collected."""

_log = get_logger("gateway.control_plane")


class DataPlaneRows:
    """Writes rows of data planes. Lives on one event loop.

    Data planes that were not seen for ``kept`` seconds are forgotten.
    """

    def __init__(self, publisher: Publisher, data_planes: DataPlanes, kept: float) -> None:
        self._publisher = publisher
        self._store = publisher.releases.store
        self._data_planes = data_planes
        self._kept = kept
        self._task = LastingTask(self._run)

    def start(self) -> None:
        """Write regularly from now on."""
        self._task.start()

    async def stop(self) -> None:
        """Write a last time."""
        if await self._task.stop():
            await self.save()

    async def save(self) -> None:
        """Write what changed; forget those not seen for too long."""
        oldest = int(time.time() - self._kept)
        self._data_planes.purge(oldest)
        urgent = self._data_planes.urgent.is_set()
        self._data_planes.urgent.clear()
        rows = [self._complete(row) for row in self._data_planes.take_unsaved()]
        forgotten = self._data_planes.take_forgotten()
        if not rows and not forgotten:
            return
        save = partial(self._store.save_data_planes, rows, oldest, forgotten, announce=urgent)
        try:
            await self._publisher.call(save)
        except asyncio.CancelledError:
            # The stop writes a last time.
            self._data_planes.save_again(row["id"] for row in rows)
            raise
        except StoreError as error:
            # What they wait for elsewhere is written when the database is back.
            self._data_planes.save_again(row["id"] for row in rows)
            _log.error("data planes not saved", reason=str(error))

    def _complete(self, row: dict[str, Any]) -> dict[str, Any]:
        number, problem = self._publisher.judge.standing(row["id"])
        return {**row, "release": number, "problem": problem}

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY):
                    await self._data_planes.urgent.wait()
                    await asyncio.sleep(_AT_ONCE)
            await self.save()
