# SPDX-License-Identifier: Apache-2.0
"""The Redis clients of a worker: one for each target, shared by the plugins that name it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.redis.target import RedisTarget
from gateway.tasks import BackgroundTasks

if TYPE_CHECKING:
    from gateway.redis.client import RedisClient


class RedisClients:
    """Each ``get`` is matched by one ``release``; the last one closes the connections."""

    def __init__(self) -> None:
        self._clients: dict[RedisTarget, tuple[RedisClient, int]] = {}
        self._tasks = BackgroundTasks()

    def get(self, target: RedisTarget) -> RedisClient:
        """Return the client of a target; it connects when it is first used."""
        # Imported late: most workers have no Redis, and its library takes a while to load.
        from gateway.redis.client import RedisClient

        client, users = self._clients.get(target) or (RedisClient(target), 0)
        self._clients[target] = client, users + 1
        return client

    def release(self, client: RedisClient) -> None:
        """Give back what ``get`` returned."""
        _, users = self._clients[client.target]
        if users > 1:
            self._clients[client.target] = client, users - 1
            return
        del self._clients[client.target]
        self._tasks.start(client.close())

    async def close(self) -> None:
        """Close all connections."""
        clients, self._clients = self._clients, {}
        for client, _ in clients.values():
            await client.close()
        await self._tasks.wait()

    @property
    def targets(self) -> int:
        """How many targets there are."""
        return len(self._clients)
