# SPDX-License-Identifier: Apache-2.0
"""Noticing what other control planes write: they announce it, and the database is looked at."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from gateway.control_plane.database.database import Database
from gateway.errors import StoreError
from gateway.logs import get_logger

_RETRY = 1.0
"""Seconds between attempts to listen again."""
_SHARE, _LONGEST = 0.2, 1.0
"""Most of the time that looking takes while others write without a pause, and the longest pause in
seconds that this makes."""

_log = get_logger("gateway.control_plane")


class DatabaseNews:
    """Calls ``look`` when something may be new, at least once in ``every`` seconds.

    Lives on one event loop. ``look`` may raise ``StoreError``: it is called again then.
    """

    def __init__(
        self, database: Database, look: Callable[[], Awaitable[None]], every: float
    ) -> None:
        self._database = database
        self._look = look
        self._every = every
        self._heard = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Notice from now on."""
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._run())]

    async def stop(self) -> None:
        """Notice nothing more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _listen(self) -> None:
        while True:
            # A failure is reported by who looks, which happens all the same.
            with suppress(StoreError):
                await self._database.listen(self._heard.set)
            await asyncio.sleep(_RETRY)

    async def _run(self) -> None:
        reached = True
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._every):
                    await self._heard.wait()
            self._heard.clear()
            started = time.monotonic()
            reached = await self._looked(reached)
            took = time.monotonic() - started
            await asyncio.sleep(min(took * (1 / _SHARE - 1), _LONGEST))

    async def _looked(self, reached: bool) -> bool:
        """Look once; return whether the database was reached, and say when that changes."""
        try:
            await self._look()
        except StoreError as error:
            if reached:
                _log.error("database failed", reason=str(error))
            return False
        if not reached:
            _log.info("the database responds again")
        return True
