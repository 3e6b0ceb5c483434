# SPDX-License-Identifier: Apache-2.0
"""The newest configuration on its way to the data planes, beside writes and not within them.

It is made ready only when a data plane is there to get it; what comes up meanwhile is coalesced,
and the larger a configuration, the longer single writes are collected before the next.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from gateway.control_plane.clustering.push import Push
from gateway.control_plane.clustering.rollout import Rollout
from gateway.control_plane.judge import Judge
from gateway.control_plane.store import Release
from gateway.control_plane.timings import Timings
from gateway.entities.checks import Table
from gateway.logs import get_logger
from gateway.tasks import LastingTask

_SHARE = 0.2
"""Most of the time that making configurations ready takes while there are only single writes."""

_LONGEST = 5.0
"""Seconds, Kong's ``db_update_frequency``, that single writes are collected at most."""

_log = get_logger("gateway.control_plane")


class ReleasePusher:
    """Pushes the newest release, as far as the judge has nothing against it.

    Lives on one event loop. ``newest`` returns the newest release, None before the first;
    ``prepare`` makes a configuration ready, on a thread of its own.
    """

    def __init__(
        self,
        rollout: Rollout,
        judge: Judge,
        newest: Callable[[], Release | None],
        prepare: Callable[[Table], Push],
    ) -> None:
        self._rollout = rollout
        self._judge = judge
        self._newest = newest
        self._prepare = prepare
        self._wanted = asyncio.Event()
        self._hurry = asyncio.Event()
        self._again = False
        self._thread = ThreadPoolExecutor(1, "push")
        self._task = LastingTask(self._run)
        self._ready: tuple[Table, Push] | None = None
        self._stale = True
        self.times = Timings()
        """In which configurations were made ready."""

    def start(self) -> None:
        """Push from now on."""
        self._task.start()

    async def stop(self) -> None:
        """Push no more."""
        await self._task.stop()
        self._thread.shutdown()

    def wake(self, *, hurry: bool = True, again: bool = False) -> None:
        """Push what is the newest now.

        ``again``: nothing has changed, so only those get it that do not serve it. Without
        ``hurry`` it may wait for more.
        """
        self._again = again and (self._again or not self._wanted.is_set())
        if hurry:
            self._hurry.set()
        self._wanted.set()

    def arrived(self) -> None:
        """Note that data planes are connected: what was not made ready for nobody is wanted now."""
        if self._stale:
            self.wake()

    async def _run(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            self._hurry.clear()
            took = await self._push()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(took * (1 / _SHARE - 1), _LONGEST)):
                    await self._hurry.wait()

    async def _push(self) -> float:
        """Push once; return the seconds that making it ready took."""
        again, self._again = self._again, False
        release = self._newest()
        if release is None or release.void:
            self._stale = False
            self._rollout.push(None)
            return 0.0
        if not self._rollout.anybody():
            self._stale = True
            self._rollout.push(None)
            return 0.0
        self._stale = False
        started = time.monotonic()
        try:
            table = self._judge.to_be_sent(release.table)
            push = await self.made(table)
        except Exception:
            _log.exception("the configuration cannot be made ready", release=release.number)
            return 0.0
        took = time.monotonic() - started
        self.times.add(took)
        self._judge.pushed(push, release.number, table)
        self._rollout.push(push, again=again, release=release.number)
        return took

    async def made(self, table: Table) -> Push:
        """Return a configuration made ready, on a thread of its own."""
        if self._ready is None or self._ready[0] is not table:
            loop = asyncio.get_running_loop()
            push = await loop.run_in_executor(self._thread, self._prepare, table)
            self._ready = table, push
        return self._ready[1]
