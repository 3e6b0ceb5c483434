# SPDX-License-Identifier: Apache-2.0
"""A network between the parts of a cluster, and data planes that connect again by themselves."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import lru_cache
from typing import Any
from uuid import uuid4

import orjson
from wsproto.events import BytesMessage, Ping

from gateway.tasks import LastingTask
from tests.support.peer import ZEROS, Peer, all_plugins

_SILENCE = 600.0
"""Seconds in which a control plane may have nothing to say."""


class Network:
    """A TCP load balancer, of which the network can be cut: packets are swallowed, not refused."""

    def __init__(self, targets: Sequence[int]) -> None:
        self._targets = itertools.cycle(targets)
        self._count = len(targets)
        self._whole = asyncio.Event()
        self._whole.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []
        self.port = 0

    def cut(self) -> None:
        """Let nothing through, in either direction; connections stay open."""
        self._whole.clear()

    def mend(self) -> None:
        """Let through what was held back, and all that comes."""
        self._whole.set()

    def enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a connection to the first target that accepts one."""
        task = asyncio.create_task(self._connect(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._writers.append(writer)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._whole.wait()
            for port in itertools.islice(self._targets, self._count):
                with suppress(OSError):
                    there, to = await asyncio.open_connection("127.0.0.1", port)
                    self._writers.append(to)
                    await asyncio.gather(self._pump(reader, to), self._pump(there, writer))
                    return
        finally:
            writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await self._whole.wait()
                writer.write(data)
                await writer.drain()
        writer.close()

    async def close(self) -> None:
        """End all connections."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        closed = (writer.wait_closed() for writer in self._writers)
        await asyncio.gather(*closed, return_exceptions=True)


@asynccontextmanager
async def network(*targets: int, at: str = "127.0.0.1") -> AsyncIterator[Network]:
    """Run a load balancer, at an address of this machine, before some of its ports."""
    made = Network(targets)
    server = await asyncio.start_server(made.enter, at, 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await made.close()


class LightDataPlane:
    """The hybrid protocol's other side, which serves whatever it is sent; it has no listener.

    ``taken`` is called with each configuration before it serves it.
    """

    def __init__(
        self,
        port: int,
        tls: ssl.SSLContext,
        name: str,
        taken: Callable[[dict[str, Any]], None] = lambda _: None,
    ) -> None:
        self.node = str(uuid4())
        self.hash = ZEROS
        """Of the configuration that it serves."""
        self.connections = 0
        self._where = port, tls, name
        self._taken = taken
        self._task = LastingTask(self._run)
        self.changed = asyncio.Event()

    def start(self) -> None:
        """Connect, and connect again, from now on."""
        self._task.start()

    async def stop(self) -> None:
        """Hang up."""
        await self._task.stop()

    async def serves(self, digest: str) -> None:
        """Wait until it serves the configuration of a hash."""
        while self.hash != digest:
            self.changed.clear()
            await self.changed.wait()

    async def _run(self) -> None:
        while True:
            with suppress(OSError, AssertionError, TimeoutError):
                await self._connect()
            await asyncio.sleep(0.1)

    async def _connect(self) -> None:
        peer = await Peer.dial(*self._where)
        try:
            await peer.join(self.node, plugins=all_plugins())
            self.connections += 1
            await peer.send(Ping(payload=self.hash.encode()))
            peer.within = _SILENCE
            while (event := await peer.event()) is not None:
                if isinstance(event, BytesMessage):
                    message = _read(bytes(event.data))
                    self._taken(message["config_table"])
                    self.hash = message["config_hash"]
                    self.changed.set()
                    await peer.send(Ping(payload=self.hash.encode()))
        finally:
            peer.hang_up()
            await peer.close()


@lru_cache(8)
def _read(payload: bytes) -> dict[str, Any]:
    """Return the message of a configuration; all data planes get the same bytes."""
    found: dict[str, Any] = orjson.loads(gzip.decompress(payload))
    return found


@asynccontextmanager
async def light_data_planes(
    count: int, port: int, tls: ssl.SSLContext, name: str
) -> AsyncIterator[list[LightDataPlane]]:
    """Run some data planes."""
    made = [LightDataPlane(port, tls, name) for _ in range(count)]
    for one in made:
        one.start()
    try:
        yield made
    finally:
        await asyncio.gather(*(one.stop() for one in made))
