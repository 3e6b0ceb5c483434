# SPDX-License-Identifier: Apache-2.0
"""Tasks that nothing awaits, which an event loop itself holds only weakly, and lasting ones.

Long work on the loop, too, within which others get their turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from inspect import CORO_CREATED, getcoroutinestate
from time import monotonic
from types import CoroutineType
from typing import Any

_SLICE = 0.001
"""Seconds of work after which others get their turn."""


class BackgroundTasks:
    """Keeps each task until it ends, as the documentation of ``asyncio.create_task`` asks."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def start(self, work: Coroutine[Any, Any, object]) -> Callable[[], object]:
        """Run ``work`` on the running loop; return what cancels it.

        Cancelled, it begins all the same and ends where it first waits: what it was to await would
        stay behind else, begun by nobody.
        """
        if not isinstance(work, CoroutineType):
            # Of a compiled module: such a one does not tell whether it has begun.
            work = _awaited(work)
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return partial(_cancel, task, work)

    async def wait(self) -> None:
        """Wait until all that were started have ended."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def end(self) -> None:
        """Cancel all, and wait until they have ended."""
        await asyncio.sleep(0)  # Those that were only just started begin.
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def __len__(self) -> int:
        """How many have not ended."""
        return len(self._tasks)


class LastingTask:
    """Work that goes on from ``start`` to ``stop``, on the running loop."""

    def __init__(self, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._run = run
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> bool:
        """Cancel it and wait until it has ended; tell whether it was begun at all."""
        if self._task is None:
            return False
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        return True


class WorkSlices:
    """Lets requests in when work on the loop has taken long enough."""

    def __init__(self) -> None:
        self._since = monotonic()

    async def give(self) -> None:
        """Let others run, if it is time."""
        if monotonic() - self._since > _SLICE:
            await asyncio.sleep(0)
            self._since = monotonic()


def _cancel(task: asyncio.Task[Any], work: Coroutine[Any, Any, object]) -> None:
    if getcoroutinestate(work) == CORO_CREATED:
        task.get_loop().call_soon(task.cancel)
    else:
        task.cancel()


async def _awaited(work: Coroutine[Any, Any, object]) -> object:
    return await work
