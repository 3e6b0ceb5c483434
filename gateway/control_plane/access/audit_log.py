# SPDX-License-Identifier: Apache-2.0
"""The audit log: what is noted of every write, and brought to the database and a file.

Nobody waits for it. What cannot be written is kept in memory and tried again, which responses and
``/status`` say; when too much waits, writes are refused before they are carried out. So no write is
made that is not noted, as long as the process lives; after ``kill -9`` the release still says who
made it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from gateway.control_plane.access.audit_file import AuditFile
from gateway.control_plane.access.audit_store import AuditStore
from gateway.errors import AuditError, GatewayError
from gateway.logs import get_logger
from gateway.tasks import LastingTask

MOST_WAITING = 10_000
"""Entries that wait at most, before writes are refused."""

_PAUSE, _PAUSE_AFTER_FAILURE = 0.2, 1.0
"""Seconds between two transactions: entries of many writes share one."""

_log = get_logger("gateway.control_plane.audit")

Write = Callable[[Sequence[dict[str, Any]]], Awaitable[None]]


class _Sink:
    """One place where entries go, and those that are still to go there."""

    def __init__(self, name: str, write: Write) -> None:
        self.name = name
        self.waiting: list[dict[str, Any]] = []
        self.problem = ""
        self._write = write

    async def flush(self) -> None:
        """Write what waits; what cannot be written goes on waiting."""
        entries = self.waiting[:]
        if not entries:
            return
        try:
            await self._write(entries)
        except GatewayError as error:
            if str(error) != self.problem:
                _log.error("audit log not written", sink=self.name, reason=str(error))
            self.problem = str(error)
            return
        del self.waiting[: len(entries)]
        if self.problem:
            _log.info("audit log written again", sink=self.name)
        self.problem = ""


class AuditLog:
    """Lives on one event loop. ``call`` runs what blocks on the store's thread."""

    def __init__(
        self,
        store: AuditStore,
        call: Callable[[Callable[[], None]], Awaitable[None]],
        file: AuditFile | None = None,
    ) -> None:
        self.store = store
        self._file = file

        async def to_database(entries: Sequence[dict[str, Any]]) -> None:
            await call(lambda: store.write(entries))

        self._sinks = [_Sink("database", to_database)]
        if file is not None:
            self._sinks.append(_Sink("file", self._to_file))
        self._wake = asyncio.Event()
        self._lock = asyncio.Lock()
        self._task = LastingTask(self._run)

    def start(self) -> None:
        """Write entries from now on. Raises ``AuditError`` when the file cannot be written."""
        if self._file is not None:
            self._file.open()
        self._task.start()

    async def stop(self) -> None:
        """Write what waits, once more."""
        await self._task.stop()
        await self.flush()
        for sink in self._sinks:
            if sink.waiting:
                _log.error("audit log incomplete", sink=sink.name, lost=len(sink.waiting))
        if self._file is not None:
            self._file.close()

    @property
    def waiting(self) -> int:
        """How many entries wait."""
        return max(len(sink.waiting) for sink in self._sinks)

    @property
    def problem(self) -> str:
        """Why entries cannot be written; empty when they can."""
        return "; ".join(sink.problem for sink in self._sinks if sink.problem)

    def check(self) -> None:
        """Raise ``AuditError`` when so much waits that a write must not be made."""
        if self.waiting >= MOST_WAITING:
            text = self.problem or "the audit log is written too slowly"
            raise AuditError(f"{text}; {self.waiting} entries wait, so no write is made")

    def note(self, entry: dict[str, Any]) -> None:
        """Have an entry written; see ``audit_entry`` for what it is made of."""
        for sink in self._sinks:
            sink.waiting.append(entry)
        self._wake.set()

    async def flush(self) -> None:
        """Write what waits now, as far as that is possible.

        A caller that is cancelled meanwhile leaves it going: a thread writes on, and what it writes
        would else count as waiting, and be written again.
        """
        await asyncio.shield(self._write_waiting())

    async def _write_waiting(self) -> None:
        async with self._lock:
            for sink in self._sinks:
                await sink.flush()

    async def _to_file(self, entries: Sequence[dict[str, Any]]) -> None:
        assert self._file is not None
        await asyncio.to_thread(self._file.write, entries)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self.flush()
            await asyncio.sleep(_PAUSE_AFTER_FAILURE if self.problem else _PAUSE)
            if self.waiting:
                self._wake.set()
