# SPDX-License-Identifier: Apache-2.0
"""Where answers are kept: which storage a configuration names, and those that are small."""

from __future__ import annotations

from functools import partial
from typing import Any

from gateway.errors import SearchFailed, TopicUnreadable
from gateway.http.messages import Request
from gateway.kafka.outbox import StampedOutbox
from gateway.logs import get_logger
from gateway.plugins.base import PluginContext
from gateway.plugins.idempotency.attempt import Attempt, Storage
from gateway.plugins.idempotency.recovery import (
    Recovery,
    Searches,
    Written,
    read_note,
    recovery_of,
)
from gateway.plugins.shared_store import LEASE, Seen, SharedStore, Standing
from gateway.redis.target import target_of
from gateway.tasks import BackgroundTasks

_log = get_logger("gateway.idempotency")


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
        self._searches = Searches()
        self._wait: float = config.wait_timeout
        self._window: float = config.window
        self._again: bool = config.unknown_outcome == "repeat"

    async def begin(self, attempt: Attempt, request: Request) -> Seen:
        """See ``Storage``."""
        recovery = recovery_of(request)
        note, lease = b"", LEASE
        if recovery is not None:
            attempt.note = recovery.note()
            note, lease = recovery.packed(attempt.note), max(LEASE, recovery.lease)
        seen = await self._store.begin(
            attempt.key,
            attempt.mark,
            wait=self._wait,
            ttl=self._window,
            again=self._again or recovery is not None,
            note=note,
            lease=lease,
        )
        attempt.token = seen.token
        if seen.standing is Standing.TAKEN:
            return await self._take_over(attempt, request, recovery, seen)
        if seen.standing is Standing.BEGUN:
            self._stamp(attempt, request, frozenset())
        return seen

    async def _take_over(
        self, attempt: Attempt, request: Request, recovery: Recovery | None, seen: Seen
    ) -> Seen:
        """Find out what one who is gone has written; BEGUN with the rest, or LOST."""
        note = read_note(seen.value)
        written: Written = frozenset()
        try:
            if note is None or recovery is None:
                raise TopicUnreadable("its records cannot be told from others")
            attempt.note = note
            written = await self._searches.written(recovery, note)
        except SearchFailed as error:
            known = note is not None and note.responded
            _log.warning("an attempt was cut off, what it wrote is not known", problem=str(error))
            if not (self._again or known):
                await self._store.lose(attempt.key, attempt.token)
                forbidden = isinstance(error, TopicUnreadable)
                return Seen(Standing.LOST if forbidden else Standing.BUSY)
        except BaseException:
            await self._store.lose(attempt.key, attempt.token)
            raise
        else:
            _log.warning("an attempt was cut off; another one goes on", written=len(written))
        self._stamp(attempt, request, written)
        return Seen(Standing.BEGUN, attempt.token)

    def _stamp(self, attempt: Attempt, request: Request, written: Written) -> None:
        """Have the records of a request carry the use of its key."""
        if attempt.note is not None:
            left = partial(self._store.left, attempt.token)
            attempt.outbox = request.outbox = StampedOutbox(attempt.note.use, left, written)

    async def finish(self, attempt: Attempt, value: bytes) -> None:
        """See ``Storage``."""
        await self._store.finish(attempt.key, attempt.token, value, self._window)

    async def release(self, attempt: Attempt, *, responded: bool = False) -> None:
        """See ``Storage``; where records may be written, the next attempt looks for them first."""
        if attempt.note is None or not attempt.outbox.is_doubtful:
            await self._store.release(attempt.key, attempt.token)
            return
        note = attempt.note.after_response().pack() if responded else b""
        await self._store.lose(attempt.key, attempt.token, note)

    def close(self) -> None:
        """The store is the node's."""


class RedisStorage(MemoryStorage):
    """All nodes that name the same Redis; a claim of one that is gone is lost after its lease."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        # Imported here: its library takes a while to load, and most workers have no Redis.
        from gateway.plugins.redis_store import RedisStore

        self._clients = context.redis
        self._client = context.redis.get(target_of(config.redis, context.trusted_ca))
        self._redis_store = RedisStore(self._client)
        self._tasks = BackgroundTasks()
        super().__init__(config, self._redis_store)

    async def stop(self) -> None:
        """Renew no claim any more."""
        await self._redis_store.close()

    def close(self) -> None:
        """Give the client back."""
        self._tasks.start(self.stop())
        self._clients.release(self._client)
