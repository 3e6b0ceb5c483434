# SPDX-License-Identifier: Apache-2.0
"""Where answers are kept: which storage a configuration names, and those that are small."""

from __future__ import annotations

from typing import Any

from gateway.http.messages import Request
from gateway.plugins.base import PluginContext
from gateway.plugins.idempotency.attempt import Attempt, Storage
from gateway.plugins.node_store import Seen, SharedStore
from gateway.redis.target import target_of
from gateway.tasks import BackgroundTasks


def make_storage(config: Any, context: PluginContext) -> Storage:
    """Return the storage that a configuration names."""
    if config.storage == "kafka":
        # Imported here: most workers need none of it.
        from gateway.plugins.idempotency.kafka_storage import KafkaStorage

        return KafkaStorage(config, context)
    if config.storage == "redis":
        return RedisStorage(config, context)
    return MemoryStorage(config, context.store)


class MemoryStorage:
    """The node's store: one node, all its workers."""

    atomic = False

    def __init__(self, config: Any, store: SharedStore) -> None:
        self._store = store
        self._wait: float = config.wait_timeout
        self._window: float = config.window
        self._again: bool = config.unknown_outcome == "repeat"

    async def begin(self, attempt: Attempt, request: Request) -> Seen:
        """See ``Storage``."""
        return await self._store.begin(
            attempt.key, attempt.mark, wait=self._wait, ttl=self._window, again=self._again
        )

    async def finish(self, attempt: Attempt, value: bytes) -> None:
        """See ``Storage``."""
        await self._store.finish(attempt.key, attempt.token, value, self._window)

    async def release(self, attempt: Attempt) -> None:
        """See ``Storage``."""
        await self._store.release(attempt.key, attempt.token)

    def close(self) -> None:
        """The store is the node's."""


class RedisStorage(MemoryStorage):
    """All nodes that name the same Redis; a claim of one that is gone is lost after ten seconds."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        # Imported here: its library takes a while to load, and most workers have no Redis.
        from gateway.plugins.redis_store import RedisStore

        self._clients = context.redis
        self._client = context.redis.get(target_of(config.redis, context.trusted_ca))
        self._redis_store = RedisStore(self._client)
        self._tasks = BackgroundTasks()
        super().__init__(config, self._redis_store)

    def close(self) -> None:
        """Give the client back."""
        self._tasks.start(self._redis_store.close())
        self._clients.release(self._client)
