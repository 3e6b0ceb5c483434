# SPDX-License-Identifier: Apache-2.0
"""What a worker asks of one Redis: commands of many requests in one round trip, and no long waits.

Commands that are given within one turn of the event loop, or while the connections are busy, travel
together. A server that hangs costs those who wait one timeout; from then on all fail at once until
a probe finds it well.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from redis.exceptions import ConnectionError as ConnectionBroken
from redis.exceptions import NoScriptError, ResponseError

from gateway.errors import RedisFailed, RedisUnreachable
from gateway.logs import get_logger
from gateway.redis.breaker import CircuitBreaker
from gateway.redis.connections import connect, disconnect
from gateway.redis.script import RedisScript
from gateway.redis.target import RedisTarget
from gateway.tasks import BackgroundTasks

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.cluster import RedisCluster

_log = get_logger("gateway.redis")

_TOGETHER = 256
"""Commands that travel together at most."""
_TRIPS = 4
"""Round trips under way at once."""
_WAITING = 20_000
"""Commands that wait for their turn at most: more fail at once."""
_BETWEEN_LINES = 10.0
"""Seconds between two log lines about errors that the server returns."""

_LAST = 1.0
"""Seconds in which what is under way may end when the client is closed."""

Word = str | bytes | int | float


class _Command(NamedTuple):
    words: tuple[Word, ...]
    script: RedisScript | None
    reply: asyncio.Future[Any]


class RedisClient:
    """One Redis, as all plugins of a worker that name it share it. Made on the event loop.

    Calls raise ``RedisUnreachable`` when the server does not respond as one, ``RedisFailed`` when
    it refuses the command. Replies are those of RESP2: integers, bytes, None, lists of these; those
    of a cluster to other commands than scripts may be what Redis' client makes of them.
    """

    def __init__(self, target: RedisTarget) -> None:
        self.target = target
        self._redis: Redis | RedisCluster = connect(target)
        self._breaker = CircuitBreaker(target.name, self._ping)
        self._queue: deque[_Command] = deque()
        self._trips = 0
        self._due = False
        self._tasks = BackgroundTasks()
        self._silent_until = 0.0

    @property
    def reachable(self) -> bool:
        """False from a failure until a probe succeeds."""
        return not self._breaker.reason

    @property
    def waiting(self) -> int:
        """Commands that wait for their turn."""
        return len(self._queue)

    async def command(self, *words: Word) -> Any:
        """Run one command and return its reply."""
        return await self._given(words, None)

    async def run(self, script: RedisScript, keys: Sequence[Word], *arguments: Word) -> Any:
        """Run a script and return its reply."""
        return await self._given((len(keys), *keys, *arguments), script)

    async def close(self) -> None:
        """Close the connections; what is under way has a second to end, what waits fails."""
        await self._breaker.close()
        self._fail_queued("the client is closed")
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST):
                await self._tasks.wait()
        await self._tasks.end()
        await disconnect(self._redis)

    def _given(self, words: tuple[Word, ...], script: RedisScript | None) -> asyncio.Future[Any]:
        if self._breaker.reason:
            raise RedisUnreachable(self.target.name, self._breaker.reason)
        if len(self._queue) >= _WAITING:
            raise RedisUnreachable(self.target.name, "too many commands wait for it")
        loop = asyncio.get_running_loop()
        reply: asyncio.Future[Any] = loop.create_future()
        self._queue.append(_Command(words, script, reply))
        if not self._due and self._trips < _TRIPS:
            self._due = True
            loop.call_soon(self._depart)
        return reply

    def _depart(self) -> None:
        """Begin a round trip with what waits."""
        self._due = False
        if self._breaker.reason:
            self._fail_queued(self._breaker.reason)
        queue = self._queue
        together: list[_Command] = []
        while queue and len(together) < _TOGETHER:
            command = queue.popleft()
            # Its caller is gone where the client closed the connection.
            if not command.reply.done():
                together.append(command)
        if together:
            self._trips += 1
            self._tasks.start(self._trip(together))

    async def _trip(self, together: list[_Command]) -> None:
        try:
            async with asyncio.timeout(self.target.patience):
                replies = await self._exchange(together)
        except asyncio.CancelledError:
            self._fail(together, "the client is closed")
            raise
        except Exception as error:
            self._broken(together, _text(error, self.target))
        else:
            self._hand_out(together, replies)
        finally:
            self._trips -= 1
            if self._queue and not self._due:
                self._due = True
                asyncio.get_running_loop().call_soon(self._depart)

    async def _exchange(self, together: list[_Command]) -> list[Any]:
        replies = await self._send([_by_digest(command) for command in together])
        missing = [at for at, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if missing:
            again = await self._send([_with_source(together[at]) for at in missing])
            for at, reply in zip(missing, again, strict=True):
                replies[at] = reply
        return replies

    async def _send(self, commands: list[tuple[Word, ...]]) -> list[Any]:
        pipe = self._redis.pipeline(transaction=False)
        for words in commands:
            pipe.execute_command(*words)
        replies: list[Any] = await pipe.execute(raise_on_error=False)
        for reply in replies:
            if isinstance(reply, ConnectionBroken):
                raise reply
        return replies

    def _hand_out(self, together: list[_Command], replies: list[Any]) -> None:
        for command, reply in zip(together, replies, strict=True):
            if command.reply.done():
                continue
            if isinstance(reply, Exception):
                self._complain(str(reply))
                command.reply.set_exception(RedisFailed(self.target.name, str(reply)))
            else:
                command.reply.set_result(reply)

    def _broken(self, together: list[_Command], reason: str) -> None:
        self._breaker.trip(reason)
        self._fail(together, reason)
        self._fail_queued(reason)

    def _fail_queued(self, reason: str) -> None:
        self._fail(self._queue, reason)
        self._queue.clear()

    def _fail(self, commands: Sequence[_Command], reason: str) -> None:
        for command in commands:
            if not command.reply.done():
                command.reply.set_exception(RedisUnreachable(self.target.name, reason))

    async def _ping(self) -> None:
        async with asyncio.timeout(self.target.patience):
            await self._redis.execute_command("PING")

    def _complain(self, text: str) -> None:
        now = monotonic()
        if now >= self._silent_until:
            self._silent_until = now + _BETWEEN_LINES
            _log.error("Redis refuses a command", server=self.target.name, problem=text)


def _by_digest(command: _Command) -> tuple[Word, ...]:
    script = command.script
    return command.words if script is None else ("EVALSHA", script.digest, *command.words)


def _with_source(command: _Command) -> tuple[Word, ...]:
    assert command.script is not None
    return ("EVAL", command.script.source, *command.words)


def _text(error: Exception, target: RedisTarget) -> str:
    if isinstance(error, TimeoutError):
        return f"no response within {target.patience:g} s"
    if isinstance(error, ResponseError | OSError) or str(error):
        return str(error)
    return type(error).__name__
