# SPDX-License-Identifier: Apache-2.0
"""The node's store as a worker reaches it: questions to the master, each with a time limit."""

from __future__ import annotations

import asyncio
import socket
from itertools import count
from math import inf
from typing import Any, Self

from gateway.data_plane.channel import Message, WorkerChannel
from gateway.errors import NodeStoreUnavailable
from gateway.plugins.shared_store import LEASE, Seen, Standing

_WITHIN = 2.0
"""Seconds for an answer, beside the time that was allowed for waiting."""
_MOST_CALLS = 10_000
_MOST_BYTES = 32 * 1024**2
"""What may be asked and not answered yet; above it the store counts as unavailable."""


class StoreClient:
    """A ``gateway.plugins.node_store.SharedStore`` behind a socket pair."""

    def __init__(self) -> None:
        self._channel: WorkerChannel | None = None
        self._waiting: dict[int, asyncio.Future[Message]] = {}
        self._numbers = count(1)
        self._bytes = 0

    @classmethod
    async def open(cls, end: socket.socket) -> Self:
        """Start on the worker's end of the pair, which belongs to the client from now on."""
        client = cls()
        client._channel = await WorkerChannel.open(end, client._received, client._closed)
        return client

    def close(self) -> None:
        """Close the socket: what was begun and not finished is lost."""
        if self._channel is not None:
            self._channel.close()

    async def get(self, key: str) -> bytes | None:
        """See ``SharedStore``."""
        reply = await self._ask("get", key)
        return reply.body if reply.data["there"] else None

    async def put(self, key: str, value: bytes, ttl: float) -> bool:
        """See ``SharedStore``."""
        return bool((await self._ask("put", key, value, ttl=ttl)).data["result"])

    async def remove(self, key: str) -> bool:
        """See ``SharedStore``."""
        return bool((await self._ask("remove", key)).data["result"])

    async def clear(self, prefix: str) -> int:
        """See ``SharedStore``."""
        return int((await self._ask("clear", prefix)).data["result"])

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
        """See ``SharedStore``; the master sees the end of a worker, so there is no lease."""
        asked = {"wait": wait, "ttl": ttl, "again": again, "mark": len(mark)}
        reply = await self._ask("begin", key, mark + note, waiting=wait, **asked)
        return Seen(Standing(reply.data["standing"]), reply.data["token"], reply.body)

    def left(self, token: str) -> float:
        """See ``SharedStore``."""
        return 0.0 if self._channel is None else inf

    async def lose(self, key: str, token: str, note: bytes = b"") -> None:
        """See ``SharedStore``."""
        await self._ask("lose", key, note, token=token)

    async def finish(self, key: str, token: str, value: bytes, ttl: float) -> bool:
        """See ``SharedStore``."""
        reply = await self._ask("finish", key, value, token=token, ttl=ttl)
        return bool(reply.data["result"])

    async def release(self, key: str, token: str) -> None:
        """See ``SharedStore``."""
        await self._ask("release", key, token=token)

    async def _ask(
        self, kind: str, key: str, body: bytes = b"", *, waiting: float = 0.0, **data: Any
    ) -> Message:
        channel = self._channel
        if channel is None:
            raise NodeStoreUnavailable("the master is gone")
        size = len(body)
        if len(self._waiting) >= _MOST_CALLS or self._bytes + size > _MOST_BYTES:
            raise NodeStoreUnavailable("too many calls wait for it")
        within = waiting + _WITHIN
        number = next(self._numbers)
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        self._bytes += size
        channel.send(kind, {"key": key, "number": number, **data}, body)
        try:
            async with asyncio.timeout(within):
                reply = await future
        except TimeoutError:
            raise NodeStoreUnavailable(f"no answer within {within:g} s") from None
        finally:
            self._waiting.pop(number, None)
            self._bytes -= size
        if "error" in reply.data:
            raise NodeStoreUnavailable(reply.data["error"])
        return reply

    def _received(self, message: Message) -> None:
        future = self._waiting.get(message.data["number"])
        if future is not None and not future.done():
            future.set_result(message)
        elif message.data.get("standing") == Standing.BEGUN:
            self._give_back(message, "release")
        elif message.data.get("standing") == Standing.TAKEN:
            self._give_back(message, "lose")

    def _give_back(self, message: Message, how: str) -> None:
        """A claim came for a caller who waits no more: nothing was done for it."""
        if self._channel is not None:
            data = {"key": message.data["key"], "token": message.data["token"], "number": 0}
            self._channel.send(how, data)

    def _closed(self) -> None:
        self._channel = None
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(NodeStoreUnavailable("the master is gone"))
