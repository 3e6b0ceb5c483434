# SPDX-License-Identifier: Apache-2.0
"""The node's store as the master keeps it: what each worker asks over a socket pair of its own.

A worker that ends, in whatever way, closes its end: what it had begun is then lost, and the others
who wait for it are told. Every call but ``begin`` is done at once, so that the master's other
duties wait for a look-up at most.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Coroutine
from typing import Any

from gateway.data_plane.channel import Message, WorkerChannel
from gateway.errors import NodeStoreUnavailable
from gateway.logs import get_logger
from gateway.plugins.node_store import NodeStore
from gateway.plugins.shared_store import Seen, Standing
from gateway.tasks import BackgroundTasks

_log = get_logger("gateway.store")


class StoreServer:
    """Serves one ``NodeStore`` to the workers that are attached."""

    def __init__(self, store: NodeStore) -> None:
        self.store = store

    async def attach(self, end: socket.socket | None) -> None:
        """Serve a worker on the master's end of its pair, until the worker closes its own."""
        if end is None:
            return
        session = _Session(self.store)
        session.channel = await WorkerChannel.open(end, session.received, session.closed)


class _Session:
    """One worker."""

    def __init__(self, store: NodeStore) -> None:
        self.channel: WorkerChannel | None = None
        self._store = store
        self._tasks = BackgroundTasks()
        self._open = True

    def received(self, message: Message) -> None:
        """Do what the worker asks, and reply."""
        work = self._dispatch(message)
        if work is not None:
            self._tasks.start(work)

    def closed(self) -> None:
        """End what the worker had begun."""
        self._open = False
        self._store.disown(self)

    def _dispatch(self, message: Message) -> Coroutine[Any, Any, None] | None:
        kind, data, store = message.kind, message.data, self._store
        key = data["key"]
        if kind == "begin":
            return self._begin(message)
        if kind == "get":
            value = store.get(key)
            self._reply(message, value or b"", there=value is not None)
        else:
            calls: dict[str, Callable[[], object]] = {
                "put": lambda: store.put(key, message.body, data["ttl"]),
                "remove": lambda: store.remove(key),
                "clear": lambda: store.clear(key),
                "finish": lambda: store.finish(key, data["token"], message.body, data["ttl"]),
                "release": lambda: store.release(key, data["token"]),
                "lose": lambda: store.lose(key, data["token"], message.body),
            }
            self._reply(message, result=calls[kind]())
        return None

    async def _begin(self, message: Message) -> None:
        data, end = message.data, message.data["mark"]
        try:
            seen = await self._store.begin(
                data["key"],
                message.body[:end],
                note=message.body[end:],
                wait=data["wait"],
                ttl=data["ttl"],
                again=data["again"],
                owner=self,
            )
        except NodeStoreUnavailable as error:
            self._reply(message, error=str(error))
            return
        if self._open:
            self._reply(
                message,
                seen.value,
                key=data["key"],
                standing=seen.standing,
                token=seen.token,
            )
        else:
            self._give_back(data["key"], seen)

    def _give_back(self, key: str, seen: Seen) -> None:
        """Nobody has heard of a claim that a worker got which is gone: nothing was done for it."""
        if seen.standing is Standing.TAKEN:
            self._store.lose(key, seen.token)
        elif seen.token:
            self._store.release(key, seen.token)

    def _reply(self, message: Message, body: bytes = b"", **data: Any) -> None:
        if self.channel is not None:
            self.channel.send("reply", {"number": message.data["number"], **data}, body)
