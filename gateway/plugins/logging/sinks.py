# SPDX-License-Identifier: Apache-2.0
"""A worker's queues of log entries, kept over releases, and what they have counted."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable

from gateway.plugins.logging.counts import LogCounts
from gateway.plugins.logging.queue import BatchQueue, QueueLimits, Send
from gateway.tasks import BackgroundTasks

_LONGEST_END = 60.0
"""Seconds in which a queue without users may deliver what it has."""


class LogSinks:
    """Hands out queues; all calls on the event loop's thread.

    The handlers of a new snapshot are made before those of the old one are closed: a plugin that
    was changed goes on with the queue it had, and what waits there goes by its new settings.
    """

    def __init__(self) -> None:
        self.counts = LogCounts()
        self._queues: dict[Hashable, BatchQueue] = {}
        self._ending: set[BatchQueue] = set()
        self._tasks = BackgroundTasks()

    def queue(self, key: Hashable, plugin: str, limits: QueueLimits, send: Send) -> BatchQueue:
        """Return the queue of this key, which sends as is said here from now on."""
        found = self._queues.get(key)
        if found is not None:
            found.users += 1
            found.limits, found.send = limits, send
            return found
        made = self._queues[key] = BatchQueue(plugin, limits, send, self.counts)
        return made

    def release(self, key: Hashable) -> None:
        """Say that one user less needs a queue; after the last one it delivers what it has."""
        queue = self._queues[key]
        queue.users -= 1
        if queue.users:
            return
        del self._queues[key]
        if queue.is_at_work:
            self._ending.add(queue)
            self._tasks.start(self._end(queue))

    async def close(self, within: float) -> None:
        """Deliver everything; what is not delivered ``within`` seconds is lost, and counted."""
        queues = [*self._queues.values(), *self._ending]
        self._queues.clear()
        await asyncio.gather(*(queue.close(within) for queue in queues))
        await self._tasks.end()

    async def _end(self, queue: BatchQueue) -> None:
        try:
            limit = queue.limits.retry_time
            await queue.close(_LONGEST_END if limit < 0 else min(limit, _LONGEST_END))
        finally:
            self._ending.discard(queue)
