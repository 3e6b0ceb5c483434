# SPDX-License-Identifier: Apache-2.0
"""Publishing: a release is written, pushed, and waited for; one that is refused is taken back.

One write at a time: the next begins when the data planes have answered, so that what a data plane
says is always about one change, and taking that back undoes nobody else's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from gateway.control_plane.clustering.data_planes import DataPlanes
from gateway.control_plane.clustering.listener import ClusterListener
from gateway.control_plane.clustering.push import Push
from gateway.control_plane.releases import Releases, Result, Rule
from gateway.control_plane.store import Release
from gateway.documents.document import Document
from gateway.entities.checks import Table
from gateway.logs import get_logger

Status = Literal["confirmed", "refused", "incompatible", "timeout"]
"""``incompatible``: it lacks what the configuration needs, as it did before this release."""

T = TypeVar("T")

_SETTLE = 5.0
"""Seconds to wait until data planes are back on the old configuration."""

_log = get_logger("gateway.control_plane")


@dataclass(frozen=True)
class Verdict:
    """What one data plane made of a release."""

    id: str
    hostname: str
    status: Status
    error: str | None = None


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

    def __init__(
        self, releases: Releases, data_planes: DataPlanes, listener: ClusterListener | None
    ) -> None:
        self.releases = releases
        self._data_planes = data_planes
        self._listener = listener
        self._lock = asyncio.Lock()
        self._stopping = False
        # The store blocks; one thread is enough, since there is one write at a time.
        self._thread = ThreadPoolExecutor(1, "store")
        self._newest: Release | None = None

    @property
    def newest(self) -> Release | None:
        """The newest release."""
        return self._newest

    @property
    def table(self) -> Table:
        """The newest configuration; nobody may change it."""
        return {} if self._newest is None else self._newest.table

    async def start(self) -> None:
        """Take up the newest release of the database. Raises ``StoreError``."""
        push = await self.call(self.releases.newest_push)
        self._newest = await self.call(self.releases.store.newest)
        self._push(push)

    def stop(self) -> None:
        """Have calls that wait for data planes return at once."""
        self._stopping = True
        self._data_planes.announce()

    def close(self) -> None:
        """Wait for the write under way."""
        self._thread.shutdown()

    async def call(self, function: Callable[[], T]) -> T:
        """Run something that reads or writes the database, away from the event loop."""
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
        """Publish one write of the Admin API; nobody waits for data planes, as with Kong."""
        async with self._lock:
            result = await self.call(lambda: self.releases.write(rule, who, message))
            if not result.unchanged:
                self._take_up(result)
            return result

    async def _write(self, write: Callable[[], Result], who: str, wait: float) -> Outcome:
        async with self._lock:
            result = await self.call(write)
            push = result.push
            if push is None:
                return Outcome(result)
            nodes = self._data_planes.connected()
            withheld = {n for n in nodes if self._data_planes.contact(n).withheld is not None}
            self._data_planes.forget_refusals(push.hash)
            self._take_up(result, self._behind(push, nodes) if result.unchanged else None)
            verdicts = await self._verdicts(push, nodes, wait, withheld)
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
        if back.push is not None:
            nodes = [verdict.id for verdict in outcome.verdicts if verdict.status == "confirmed"]
            await self._verdicts(back.push, nodes, min(wait, _SETTLE), set())
        return back.release

    def _take_up(self, result: Result, only: set[str] | None = None) -> None:
        self._newest = result.release
        release = result.release
        if not result.unchanged:
            _log.info(
                "release published",
                release=release.number,
                hash=release.hash,
                who=release.who,
                message=release.message,
            )
        self._push(result.push, only)

    def _push(self, push: Push | None, only: set[str] | None = None) -> None:
        if self._listener is not None:
            self._listener.push(push, only)

    def _behind(self, push: Push, nodes: list[str]) -> set[str]:
        """Return the data planes that do not serve a configuration."""
        known = {node: self._data_planes.get(node) for node in nodes}
        return {
            node
            for node, found in known.items()
            if found is None or not push.confirmed_by(found.config_hash)
        }

    async def _verdicts(
        self, push: Push, nodes: list[str], wait: float, withheld: set[str]
    ) -> list[Verdict]:
        """Wait until every data plane has answered, at most ``wait`` seconds."""
        deadline = asyncio.get_running_loop().time() + wait
        while True:
            verdicts = [self._verdict(push, node, wait, node in withheld) for node in nodes]
            left = deadline - asyncio.get_running_loop().time()
            done = all(verdict.status != "timeout" for verdict in verdicts)
            if done or left <= 0 or self._stopping:
                return verdicts
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._data_planes.news()

    def _verdict(self, push: Push, node: str, wait: float, withheld: bool) -> Verdict:
        known, contact = self._data_planes.get(node), self._data_planes.contact(node)
        hostname = known.hostname if known is not None else ""
        if known is not None and push.confirmed_by(known.config_hash):
            return Verdict(node, hostname, "confirmed")
        if push.hash in contact.refusals:
            return Verdict(node, hostname, "refused", contact.refusals[push.hash])
        if contact.withheld is not None and contact.withheld[0] == push.hash:
            status: Status = "incompatible" if withheld else "refused"
            return Verdict(node, hostname, status, contact.withheld[1])
        if not contact.sessions:
            return Verdict(node, hostname, "timeout", "disconnected before it confirmed")
        return Verdict(node, hostname, "timeout", f"did not confirm within {wait:g} s")
