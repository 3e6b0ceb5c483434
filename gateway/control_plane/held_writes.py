# SPDX-License-Identifier: Apache-2.0
"""Writing into holds, and when they end: published by a call, by silence, or dropped."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from gateway.control_plane.authors import Author
from gateway.control_plane.holds import OF_REQUEST, BrokenOff, Hold, Holds, summary
from gateway.control_plane.ownership import canonical
from gateway.control_plane.releases import Result, Rule
from gateway.control_plane.store import Release
from gateway.entities.checks import Table
from gateway.errors import GatewayError, NotFound
from gateway.logs import get_logger
from gateway.tasks import LastingTask

_SHARED = ""
"""The name of the hold of all writes without one."""
_LONGEST = 300.0
"""Seconds after which that hold is published although writes go on."""

_log = get_logger("gateway.control_plane")


@dataclass(frozen=True)
class HoldTimes:
    """When holds end by themselves; times in seconds."""

    quiet: float = 0.0
    """Writes that name no hold are held until none has come for so long; 0: they are not held."""
    idle: float = 60.0
    """A hold with a name has broken off when no write has come for so long."""
    broken_off: BrokenOff = "drop"


class HoldPublisher(Protocol):
    """What holds need of who publishes."""

    lock: asyncio.Lock

    @property
    def newest(self) -> Release | None:
        """The newest release."""
        ...

    async def call(self, function: Callable[[], Table]) -> Table:
        """Run something on the store's thread."""
        ...

    async def write_now(self, rule: Rule, who: str, message: str) -> Result:
        """Make a release at once, without waiting for data planes."""
        ...


class HeldWrites:
    """The holds of a publisher. Lives on one event loop."""

    def __init__(self, publisher: HoldPublisher, times: HoldTimes) -> None:
        self.holds = Holds()
        self._publisher = publisher
        self._times = times
        self._changed = asyncio.Event()
        self._task = LastingTask(self._run)

    def start(self) -> None:
        """End holds in time from now on."""
        self._task.start()

    async def stop(self) -> None:
        """End all holds: what nobody has broken off is published, the rest as the setting says."""
        await self._task.stop()
        for hold in self.holds.open:
            await self._end(hold)

    @property
    def wanted(self) -> str | None:
        """Name of the hold that the present request belongs to; None when it has none."""
        name = OF_REQUEST.get()
        return _SHARED if name is None and self._times.quiet > 0 else name

    @property
    def table(self) -> Table | None:
        """The configuration with what the present request's hold holds, if it has one."""
        hold = None if self.wanted is None else self.holds.find(self.wanted)
        return None if hold is None else hold.rebased(self._publisher.newest)

    async def write(self, name: str, rule: Rule, who: str) -> None:
        """Make a single write within a hold; raises what ``rule`` raises."""
        publisher = self._publisher
        loop = asyncio.get_running_loop()
        async with publisher.lock:
            hold = self.holds.enter(name, who, publisher.newest, loop.time())
            before = hold.rebased(publisher.newest)
            hold.touched = loop.time()
            self._changed.set()
            try:
                table = await publisher.call(lambda: canonical(rule(before)))
            except GatewayError as error:
                hold.refused = hold.refused or not isinstance(error, NotFound)
                raise
            hold.take(table)
            hold.writes += 1
            hold.touched = loop.time()  # how long a write takes is no silence

    async def publish(
        self, name: str, write: Callable[[Rule, str], Awaitable[Result]], message: str
    ) -> Result:
        """Publish a hold by ``write``, which makes a release of a rule and a message.

        Raises ``NotFound``, and what ``write`` raises: the hold is still there then.
        """
        hold = self.holds.get(name)

        def rule(newest: Table) -> Table:
            # Within the transaction: no write comes between it and the hold's end.
            self.holds.close(hold)
            return hold.rule(newest)

        try:
            result = await write(rule, message or _message(hold))
        except GatewayError:
            self.holds.reopen(hold)
            raise
        self.holds.end(hold, "published", result.release.number)
        return result

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._changed.clear()
            due = min((self._due(hold) for hold in self.holds.open), default=math.inf)
            with suppress(TimeoutError):
                async with asyncio.timeout_at(None if due == math.inf else due):
                    await self._changed.wait()
            for hold in self.holds.open:
                if self._due(hold) <= loop.time():
                    await self._end(hold)

    def _due(self, hold: Hold) -> float:
        if hold.name == _SHARED:
            return min(hold.touched + self._times.quiet, hold.begun + _LONGEST)
        return hold.touched + self._times.idle

    async def _end(self, hold: Hold) -> None:
        broken = hold.refused or hold.name != _SHARED
        if not hold.delta or (broken and self._times.broken_off == "drop"):
            why = "a write was refused" if hold.refused else "nobody published it"
            if hold.delta:
                _log.warning("held writes dropped", hold=hold.name, reason=why, what=_message(hold))
            self.holds.end(hold, f"dropped: {why}")
            return
        publisher = self._publisher

        async def write(rule: Rule, message: str) -> Result:
            return await publisher.write_now(rule, hold.who, message)

        try:
            await self.publish(hold.name, write, "")
        except GatewayError as error:
            _log.error("held writes dropped", hold=hold.name, reason=str(error))
            self.holds.end(hold, f"dropped: {error}")


def _message(hold: Hold) -> str:
    name = Author.parse(hold.who).session or "held writes"
    if hold.name:
        name = f"{name} (hold {hold.name})" if name != "held writes" else f"hold {hold.name}"
    return f"{name}: {summary(hold.delta)}"
