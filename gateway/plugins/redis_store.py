# SPDX-License-Identifier: Apache-2.0
"""A ``SharedStore`` in Redis: for all nodes that name the same server.

A claim is a hash with the claim's token, what it is for, and until when its owner is known to be at
work: the owner says so again and again. One that has fallen silent for longer is lost. All of a
claim is decided by scripts, by the server's clock.
"""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any
from uuid import uuid4

from gateway.errors import NodeStoreUnavailable, RedisFailed, RedisUnreachable
from gateway.logs import get_logger
from gateway.plugins.shared_store import LEASE, Seen, Standing
from gateway.redis.client import RedisClient
from gateway.redis.script import RedisScript
from gateway.tasks import BackgroundTasks

_log = get_logger("gateway.store")

_PREFIX = "kafka-gateway:"
_FIRST_LOOK, _LAST_LOOK = 0.02, 0.25
"""Seconds between two looks at the claim of another: more and more of them."""
_TRIES = 60
"""Seconds for which a result is tried to be kept when the server is away."""

_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""
_BEGIN = RedisScript(
    _NOW
    + """
local token, mark, lease, ttl, again, note = unpack(ARGV)
local held = redis.call('HMGET', KEYS[1], 'mark', 'until', 'value', 'note')
local standing, kept = 'begun', ''
if held[1] then
  if held[3] then return {'found', held[3]} end
  if held[1] ~= mark then return {'other', ''} end
  if tonumber(held[2]) >= now then return {'busy', ''} end
  if again ~= '1' then return {'lost', ''} end
  standing, kept = 'taken', held[4] or ''
  if kept ~= '' then note = kept end
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'token', token, 'mark', mark, 'until', string.format('%d', now + lease),
  'note', note)
redis.call('PEXPIRE', KEYS[1], ttl)
return {standing, kept}
"""
)
_RENEW = RedisScript(
    _NOW
    + """
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'until', string.format('%d', now + ARGV[2]))
return 1
"""
)
_FINISH = RedisScript("""
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'value', ARGV[2])
redis.call('HDEL', KEYS[1], 'note')
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
""")
_RELEASE = RedisScript("""
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
if redis.call('HEXISTS', KEYS[1], 'value') == 1 then return 0 end
return redis.call('DEL', KEYS[1])
""")

_LOSE = RedisScript("""
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then return 0 end
if redis.call('HEXISTS', KEYS[1], 'value') == 1 then return 0 end
redis.call('HSET', KEYS[1], 'until', '0')
if ARGV[2] ~= '' then redis.call('HSET', KEYS[1], 'note', ARGV[2]) end
return 1
""")


class RedisStore:
    """Of one plugin; closed with it."""

    def __init__(self, client: RedisClient) -> None:
        self.client = client
        self._tasks = BackgroundTasks()
        self._renewals: dict[str, Any] = {}
        self._until: dict[str, float] = {}

    async def get(self, key: str) -> bytes | None:
        """See ``SharedStore``; a result of a claim is not seen."""
        found: bytes | None = await self._command("GET", _PREFIX + key)
        return found

    async def put(self, key: str, value: bytes, ttl: float) -> bool:
        """See ``SharedStore``."""
        await self._command("SET", _PREFIX + key, value, "PX", max(1, int(ttl * 1000)))
        return True

    async def remove(self, key: str) -> bool:
        """See ``SharedStore``."""
        return bool(await self._command("DEL", _PREFIX + key))

    async def clear(self, prefix: str) -> int:
        """See ``SharedStore``; looks at every key of the database, some at a time."""
        cursor: Any = 0
        gone = 0
        while True:
            cursor, keys = await self._command(
                "SCAN", cursor, "MATCH", f"{_PREFIX}{prefix}*", "COUNT", 1000
            )
            for key in keys:
                gone += int(await self._command("DEL", key))
            if int(cursor) == 0:
                return gone

    async def begin(
        self,
        key: str,
        mark: bytes,
        *,
        wait: float,
        ttl: float,
        again: bool = False,
        note: bytes = b"",
        lease: float = LEASE,
    ) -> Seen:
        """See ``SharedStore``."""
        loop, token, pause = asyncio.get_running_loop(), uuid4().hex, _FIRST_LOOK
        end = loop.time() + wait
        while True:
            asked, repeat = monotonic(), "1" if again else "0"
            said, value = await self._run(
                _BEGIN, key, token, mark.hex(), _ms(lease), _ms(ttl), repeat, note
            )
            standing = Standing(said.decode())
            if standing in (Standing.BEGUN, Standing.TAKEN):
                self._until[token] = asked + lease
                self._renewals[token] = self._tasks.start(self._renew(key, token, lease))
                return Seen(standing, token, value)
            left = end - loop.time()
            if standing is not Standing.BUSY or left <= 0:
                return Seen(standing, value=value)
            await asyncio.sleep(min(pause, left))
            pause = min(2 * pause, _LAST_LOOK)

    async def finish(self, key: str, token: str, value: bytes, ttl: float) -> bool:
        """See ``SharedStore``; when the server is away it is tried on for a minute."""
        try:
            kept = await self._run(_FINISH, key, token, value, _ms(ttl))
        except NodeStoreUnavailable:
            self._tasks.start(self._finish_later(key, token, value, ttl))
            raise
        self._stop_renewing(token)
        return bool(kept)

    async def release(self, key: str, token: str) -> None:
        """See ``SharedStore``."""
        self._stop_renewing(token)
        await self._run(_RELEASE, key, token)

    def left(self, token: str) -> float:
        """See ``SharedStore``: until the end of the lease that was renewed last, by this clock.

        A second less, for a server whose clock is faster.
        """
        return self._until.get(token, 0.0) - 1 - monotonic()

    async def lose(self, key: str, token: str, note: bytes = b"") -> None:
        """See ``SharedStore``."""
        self._stop_renewing(token)
        await self._run(_LOSE, key, token, note)

    async def close(self) -> None:
        """Renew no more claims; what was begun is lost when its time is over."""
        await self._tasks.end()

    async def _renew(self, key: str, token: str, lease: float) -> None:
        while True:
            await asyncio.sleep(lease / 4)
            asked = monotonic()
            try:
                if not await self._run(_RENEW, key, token, _ms(lease)):
                    self._until.pop(token, None)
                    return
                self._until[token] = asked + lease
            except NodeStoreUnavailable as error:
                _log.warning("claim not renewed", problem=str(error))

    async def _finish_later(self, key: str, token: str, value: bytes, ttl: float) -> None:
        for _ in range(_TRIES):
            await asyncio.sleep(1)
            try:
                await self._run(_FINISH, key, token, value, _ms(ttl))
            except NodeStoreUnavailable:
                continue
            break
        self._stop_renewing(token)

    def _stop_renewing(self, token: str) -> None:
        self._until.pop(token, None)
        cancel = self._renewals.pop(token, None)
        if cancel is not None:
            cancel()

    async def _run(self, script: RedisScript, key: str, *arguments: str | bytes | int) -> Any:
        try:
            return await self.client.run(script, [_PREFIX + key], *arguments)
        except (RedisUnreachable, RedisFailed) as error:
            raise NodeStoreUnavailable(str(error)) from None

    async def _command(self, *words: str | bytes | int) -> Any:
        try:
            return await self.client.command(*words)
        except (RedisUnreachable, RedisFailed) as error:
            raise NodeStoreUnavailable(str(error)) from None


def _ms(seconds: float) -> int:
    return max(1, int(seconds * 1000))
