# SPDX-License-Identifier: Apache-2.0
"""A worker process as its master sees it: started, asked, ended."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable
from itertools import count
from time import monotonic
from typing import Any

from gateway.data_plane.channel import Command, Message, WorkerChannel
from gateway.data_plane.master.spawn import Spawned
from gateway.data_plane.master.stack import fatal
from gateway.errors import WorkerGone
from gateway.logs import get_logger

_log = get_logger("gateway.master")

_GRACE = 1.5
"""Seconds for ending, beyond those for draining."""


def resident_memory(pid: int) -> int:
    """Return the resident memory of a process in bytes; 0 when it is gone (proc(5), statm)."""
    try:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


class WorkerProcess:
    """One spawned process. ``on_exit`` is called once, on the loop's thread, when it was reaped."""

    def __init__(
        self, index: int, spawned: Spawned, on_exit: Callable[[WorkerProcess], None]
    ) -> None:
        self.index = index
        self.started = monotonic()
        self.stats: dict[str, Any] | None = None
        """What the worker last reported of itself."""
        self.silent = 0.0
        """Seconds for which it has owed a response, by the master's checks."""
        self.on_health: Callable[[list[list[Any]]], object] = lambda _: None
        """Takes what the worker's requests tell of upstreams."""
        self.fatal = ""
        """What ended it and in which calls, where it crashed."""
        self.exited = asyncio.Event()
        self.leaving = False
        """It was told to end."""
        self._on_exit = on_exit
        self._waiting: dict[int, asyncio.Future[Message]] = {}
        self._numbers = count(1)
        self._channel: WorkerChannel | None = None
        self._owes = False
        self._process, end, self.trace, self._store = spawned
        self._end: socket.socket | None = end
        self._connecting = asyncio.Lock()
        self._watch = os.pidfd_open(self._process.pid)
        asyncio.get_running_loop().add_reader(self._watch, self._ended)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def code(self) -> int | None:
        """The exit code: negative for a signal, None while it runs."""
        return self._process.returncode

    async def connect(self) -> None:
        """Open the channel, once; who calls it meanwhile waits until it is open."""
        async with self._connecting:
            end, self._end = self._end, None
            if end is not None:
                self._channel = await WorkerChannel.open(end, self._received, self._lost)

    async def ask(
        self,
        kind: Command,
        data: dict[str, Any] | None = None,
        body: bytes = b"",
        within: float = 5.0,
    ) -> Message:
        """Send a message and return its response.

        Raises ``WorkerGone`` when the worker ended first and ``TimeoutError`` after ``within``
        seconds.
        """
        channel = self._channel
        if channel is None or self.exited.is_set():
            raise WorkerGone(f"worker {self.index} (pid {self.pid}) is not running")
        number = next(self._numbers)
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        channel.send(kind, {**(data or {}), "number": number}, body)
        try:
            async with asyncio.timeout(within):
                return await future
        finally:
            self._waiting.pop(number, None)

    def take_store(self) -> socket.socket | None:
        """Return the master's end of the way to the store; the caller closes it from now on."""
        store, self._store = self._store, None
        return store

    def tell(self, kind: Command, data: dict[str, Any] | None = None) -> None:
        """Send a message that has no response."""
        if self._channel is not None:
            self._channel.send(kind, data)

    def check(self, passed: float) -> None:
        """Ask whether it is there, or note that ``passed`` more seconds went by unanswered."""
        if self._owes:
            self.silent += passed
        elif self._channel is not None:
            self._owes = True
            self._channel.send(Command.PING, {"number": 0})

    def send(self, number: signal.Signals) -> None:
        """Send the process a signal, if it runs."""
        if self._process.returncode is None:
            self._process.send_signal(number)

    def kill(self) -> None:
        """End the process at once."""
        self.send(signal.SIGKILL)

    async def drain(self, seconds: float) -> None:
        """Have it finish what is under way, and end; after ``seconds`` and a little it is ended."""
        self.leaving = True
        # One that was only just started has no channel yet: it would not hear this.
        await self.connect()
        self.tell(Command.DRAIN, {"seconds": seconds})
        try:
            async with asyncio.timeout(seconds + _GRACE):
                await self.exited.wait()
        except TimeoutError:
            _log.error("worker did not stop in time, it is ended", pid=self.pid)
            self.kill()
            await self.exited.wait()

    def memory(self) -> int:
        """Return the resident memory in bytes; 0 when the process is gone."""
        return resident_memory(self.pid)

    def _ended(self) -> None:
        asyncio.get_running_loop().remove_reader(self._watch)
        os.close(self._watch)
        unused = self.take_store()
        if unused is not None:
            unused.close()
        if self.trace >= 0:
            self.fatal = fatal(self.trace)
            os.close(self.trace)
            self.trace = -1
        self._process.wait()
        if self._channel is not None:
            self._channel.close()
        self._lost()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(WorkerGone(f"worker {self.index} (pid {self.pid}) ended"))
        self.exited.set()
        self._on_exit(self)

    def _received(self, message: Message) -> None:
        self._owes, self.silent = False, 0.0
        if message.kind == Command.STATS:
            self.stats = message.data
        elif message.kind == Command.HEALTH:
            self.on_health(message.data["reports"])
        future = self._waiting.get(message.data.get("number", 0))
        if future is not None and not future.done():
            future.set_result(message)

    def _lost(self) -> None:
        """Take no more messages. Calls that wait fail at the exit, when the place is free too."""
        self._channel = None
