# SPDX-License-Identifier: Apache-2.0
"""Notices workers that do not respond, and ends them: what hangs one hangs all of its clients.

A worker hangs in code that gives nothing back, say a Lua pattern that backtracks for ever. No
handler of Python runs in it then, neither for a message nor for SIGTERM; only SIGKILL ends it.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterable

from gateway.data_plane.master.stack import innermost
from gateway.data_plane.master.worker_process import WorkerProcess
from gateway.logs import get_logger
from gateway.tasks import BackgroundTasks

_log = get_logger("gateway.master")

_PAUSE = 1.0
"""Most seconds between two questions to a worker."""
_USUAL = 10.0
"""Seconds that the checks are laid out for when the watchdog ends no worker."""
_GRACE = 2.0
"""Seconds for a worker to respond again after SIGTERM."""
_TRACE = 0.5
"""Seconds for a worker to write its stack down; its signal handler does, in C."""


class Watchdog:
    """Pings every worker about once a second.

    ``limit`` gives the seconds after which a worker that has not responded is ended, 0 for never.
    ``drain`` the seconds that one which responds again has to end in order. A worker's ``silent``
    counts checks, not the clock: when the whole machine stood still, no worker is blamed.
    """

    def __init__(
        self,
        workers: Callable[[], Iterable[WorkerProcess]],
        limit: Callable[[], float],
        drain: Callable[[], float],
    ) -> None:
        self.ended = 0
        """Workers that were ended for not responding."""
        self._workers = workers
        self._limit = limit
        self._drain = drain
        self._ending: set[WorkerProcess] = set()
        self._tasks = BackgroundTasks()

    @property
    def patience(self) -> float:
        """Seconds without a response from which a worker counts as one that does not serve."""
        return (self._limit() or _USUAL) / 4

    def missing(self) -> list[WorkerProcess]:
        """Return the workers that do not respond."""
        patience = self.patience
        return [worker for worker in self._workers() if worker.silent >= patience]

    async def watch(self) -> None:
        """Check until cancelled; workers are ended in the background."""
        while True:
            pause = min(_PAUSE, (self._limit() or _USUAL) / 8)
            await asyncio.sleep(pause)
            for worker in list(self._workers()):
                worker.check(pause)
                limit = self._limit()
                if limit and worker.silent >= limit and worker not in self._ending:
                    self._ending.add(worker)
                    self._tasks.start(self._end(worker))

    async def _end(self, worker: WorkerProcess) -> None:
        self.ended += 1
        doing = await _doing(worker)
        if worker.silent:
            _log.error(
                f"worker has not answered for {worker.silent:.1f} s, it is ended and replaced",
                worker=worker.index,
                pid=worker.pid,
                doing=doing or "unknown",
            )
            worker.send(signal.SIGTERM)
            if not await _ends(worker, _GRACE):
                # One that responds again drains: those of its clients that wait are served.
                if worker.silent or not await _ends(worker, self._drain() + 1.5):
                    worker.kill()
                await worker.exited.wait()
        self._ending.discard(worker)


async def _ends(worker: WorkerProcess, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await worker.exited.wait()
    except TimeoutError:
        return False
    return True


async def _doing(worker: WorkerProcess) -> str:
    """Ask the worker's signal handler for its stack; return its innermost calls."""
    if worker.trace < 0:
        return ""
    worker.send(signal.SIGUSR1)
    await _ends(worker, _TRACE)
    if worker.exited.is_set():
        return ""
    return innermost(worker.trace)
