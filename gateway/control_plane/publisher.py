# SPDX-License-Identifier: Apache-2.0
"""Publishing: a release is written, rolled out, and taken back when a data plane refuses it.

One write at a time: the next begins when the data planes have responded, so that a verdict is
always about one change, and taking that back undoes no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from gateway.control_plane.clustering.rollout import Rollout, Verdict
from gateway.control_plane.releases import Releases, Result, Rule
from gateway.control_plane.store import Release
from gateway.documents.document import Document
from gateway.entities.checks import Table
from gateway.logs import get_logger

T = TypeVar("T")

_SETTLE = 5.0
"""Seconds to wait until data planes are back on the old configuration."""

_log = get_logger("gateway.control_plane")


@dataclass(frozen=True)
class Outcome:
    """What became of a publishing call."""

    result: Result
    verdicts: list[Verdict] = field(default_factory=list)
    taken_back: Release | None = None
    """The release that put the content from before back in place; None if nothing was refused."""

    @property
    def refusals(self) -> list[Verdict]:
        """The data planes that cannot serve the release."""
        return [verdict for verdict in self.verdicts if verdict.status == "refused"]


class Publisher:
    """Writes releases and brings them to the data planes. Lives on one event loop."""

    def __init__(self, releases: Releases, rollout: Rollout) -> None:
        self.releases = releases
        self._rollout = rollout
        self._lock = asyncio.Lock()
        # The store blocks; one thread is enough, since there is one write at a time.
        self._thread = ThreadPoolExecutor(1, "store")
        self._newest: Release | None = None

    @property
    def newest(self) -> Release | None:
        """The newest release."""
        return self._newest

    @property
    def table(self) -> Table:
        """The newest configuration, to be read only."""
        return {} if self._newest is None else self._newest.table

    async def start(self) -> None:
        """Take up the newest release of the database. Raises ``StoreError``."""
        push = await self.call(self.releases.newest_push)
        self._newest = await self.call(self.releases.store.newest)
        self._rollout.push(push)

    def stop(self) -> None:
        """Have calls that wait for data planes return at once."""
        self._rollout.stop()

    def close(self) -> None:
        """Wait for the write under way."""
        self._thread.shutdown()

    async def call(self, function: Callable[[], T]) -> T:
        """Run something that reads or writes the database, on the store's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)

    async def publish(
        self, owner: str, document: Document, who: str, message: str, wait: float
    ) -> Outcome:
        """Publish an owner's document; raises what ``Releases.publish`` raises."""
        return await self._write(
            lambda: self.releases.publish(owner, document, who, message), who, wait
        )

    async def withdraw(self, owner: str, who: str, message: str, wait: float) -> Outcome:
        """Publish without an owner's entities; raises ``NotFound``."""
        return await self._write(lambda: self.releases.withdraw(owner, who, message), who, wait)

    async def rollback(self, number: int, who: str, message: str, wait: float) -> Outcome:
        """Publish the content of an earlier release; raises ``NotFound``."""
        return await self._write(lambda: self.releases.rollback(number, who, message), who, wait)

    async def change(self, rule: Rule, who: str, message: str) -> Result:
        """Publish one write of the Admin API without waiting for data planes, as Kong does."""
        async with self._lock:
            result = await self.call(lambda: self.releases.write(rule, who, message))
            if not result.unchanged:
                self._take_up(result)
                self._rollout.push(result.push)
            return result

    async def _write(self, write: Callable[[], Result], who: str, wait: float) -> Outcome:
        async with self._lock:
            result = await self.call(write)
            if result.push is None:
                return Outcome(result)
            self._take_up(result)
            verdicts = await self._rollout.deliver(result.push, wait, again=result.unchanged)
            outcome = Outcome(result, verdicts)
            if not outcome.refusals or result.unchanged:
                return outcome
            return Outcome(result, verdicts, await self._take_back(outcome, who, wait))

    async def _take_back(self, outcome: Outcome, who: str, wait: float) -> Release:
        refused = outcome.result
        first = outcome.refusals[0]
        text = f"rollback: release {refused.release.number} was refused by {first.hostname}"
        message = f"{text}: {first.error}"
        _log.warning("release refused", release=refused.release.number, reason=first.error)
        back = await self.call(lambda: self.releases.take_back(refused, who, message))
        self._take_up(back)
        self._rollout.push(back.push)
        if back.push is not None:
            nodes = [verdict.id for verdict in outcome.verdicts if verdict.status == "confirmed"]
            await self._rollout.verdicts(back.push, nodes, min(wait, _SETTLE))
        return back.release

    def _take_up(self, result: Result) -> None:
        self._newest = release = result.release
        if not result.unchanged:
            _log.info(
                "release published",
                release=release.number,
                hash=release.hash,
                who=release.who,
                message=release.message,
            )
