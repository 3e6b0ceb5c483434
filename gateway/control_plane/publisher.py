# SPDX-License-Identifier: Apache-2.0
"""Publishing: a release is written, rolled out, and taken back when a data plane refuses it.

Only the transactions are one after the other. Calls wait for data planes beside each other, and
each is judged by what it changed (see ``gateway.control_plane.judge``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from gateway.control_plane.access.audit_entry import note_release
from gateway.control_plane.clustering.rollout import Rollout, Verdict
from gateway.control_plane.delta import RowChange, between
from gateway.control_plane.held_writes import HeldWrites, HoldTimes
from gateway.control_plane.judge import AwaitedRelease, Judge
from gateway.control_plane.ownership import owner_of
from gateway.control_plane.publish_spans import Publishing, traced
from gateway.control_plane.release_pusher import ReleasePusher
from gateway.control_plane.releases import Check, Releases, Result, Rule, checked
from gateway.control_plane.store import Release
from gateway.documents.document import Document
from gateway.entities.checks import Table
from gateway.errors import StoreError
from gateway.logs import get_logger

T = TypeVar("T")

_SETTLE = 5.0
"""Seconds to wait until data planes are back on the old configuration."""

_NOTE = "left out"
"""The database's name for what is left out of pushes."""
_NOBODY = ""
"""An owner of nothing."""

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


@dataclass
class _WaitingCall:
    """A call that waits: what it wrote, what it is told, and what took it back."""

    result: Result
    awaited: AwaitedRelease
    taken_back: Release | None = None
    failure: StoreError | None = None


class Publisher(Publishing):
    """Writes releases and brings them to the data planes. Lives on one event loop."""

    def __init__(
        self, releases: Releases, rollout: Rollout, times: HoldTimes | None = None
    ) -> None:
        self.releases = releases
        self.held = HeldWrites(self, times or HoldTimes())
        self.judge = Judge(rollout.data_planes)
        self._rollout, self.spans = rollout, rollout.spans
        self._data_planes = rollout.data_planes
        self._pusher = ReleasePusher(rollout, self.judge, lambda: self._newest, releases.push_of)
        self.lock = asyncio.Lock()
        # The store blocks; one thread is enough, since there is one transaction at a time.
        self._thread = ThreadPoolExecutor(1, "store")
        self._newest: Release | None = None
        self._edition = 0
        self._kept: list[Any] = []
        self.pushing = self._pusher.times
        self._calls: list[_WaitingCall] = []
        self._owed: list[_WaitingCall] = []
        self._watching: asyncio.Task[None] | None = None

    @property
    def newest(self) -> Release | None:
        """The newest release."""
        return self._newest

    @property
    def table(self) -> Table:
        """The newest configuration, with what the present request's hold holds; to be read only."""
        held = self.held.table
        if held is not None:
            return held
        return {} if self._newest is None else self._newest.table

    async def start(self) -> None:
        """Take up the newest release of the database. Raises ``StoreError``."""
        seen = await self.call(lambda: self.releases.store.look(_NOTE))
        self._newest = seen.newest
        self._leave_out(seen.note or [])
        self._pusher.start()
        self._pusher.wake()
        self._watching = asyncio.create_task(self._watch())
        self.held.start()

    async def learn(self) -> None:
        """Take up what other control planes of the database have written. Raises ``StoreError``."""
        async with self.lock:
            seen = await self.call(lambda: self.releases.store.look(_NOTE))
            news = self._catch_up(seen.newest)
            # What we have not written yet goes first.
            if (seen.note or []) != self._kept and self.judge.left_out.edition == self._edition:
                self._leave_out(seen.note or [])
                news = True
        if news:
            self._pusher.wake()
        if self._data_planes.take_in(seen.data_planes) or news:
            self._data_planes.announce()
        owed, self._owed = self._owed, []
        for call in owed:
            await self._take_back(call)

    def _leave_out(self, kept: list[Any]) -> None:
        self.judge.left_out.replace(kept)
        self._edition, self._kept = self.judge.left_out.edition, kept

    def _catch_up(self, found: Release | None) -> bool:
        """Take up a release that another control plane has written, if it is one.

        Its number is lower than that of ours when a backup was restored.
        """
        known = self._newest
        if found is None or (known is not None and found.is_same(known)):
            return False
        before = {} if known is None else known.table
        self.judge.note_single(found.number, between(before, found.table))
        self._newest = found
        _log.info("release of another control plane", release=found.number, who=found.who)
        return True

    def stop(self) -> None:
        """Have calls that wait for data planes return at once."""
        self._rollout.stop()

    async def close(self) -> None:
        """Wait for the write under way; end all holds; push no more."""
        await self.held.stop()
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self._pusher.stop()
        self._thread.shutdown()

    async def call(self, function: Callable[[], T]) -> T:
        """Run something that reads or writes the database, on the store's thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)

    async def publish(
        self,
        owner: str,
        document: Document,
        who: str,
        message: str,
        wait: float,
        check: Check | None = None,
        tags: Collection[str] = (),
    ) -> Outcome:
        """Publish an owner's document; raises what ``Releases.publish`` and ``check`` raise."""
        return await self._write(
            lambda: self.releases.publish(owner, document, who, message, check, tags), wait, owner
        )

    async def withdraw(
        self, owner: str, who: str, message: str, wait: float, check: Check | None = None
    ) -> Outcome:
        """Publish without an owner's entities; raises ``NotFound``, and what ``check`` raises."""
        return await self._write(lambda: self.releases.withdraw(owner, who, message, check), wait)

    async def rollback(
        self, number: int, who: str, message: str, wait: float, check: Check | None = None
    ) -> Outcome:
        """Publish an earlier release's content; raises ``NotFound``, and what ``check`` raises."""
        return await self._write(lambda: self.releases.rollback(number, who, message, check), wait)

    async def change(self, rule: Rule, who: str, message: str) -> None:
        """Make one write of the Admin API without waiting for data planes, as Kong does.

        It is a release of its own, or held when the present request has a hold.
        """
        if self.held.wanted is not None:
            await self.held.write(self.held.wanted, rule, who)
        else:
            await self.write_now(rule, who, message, quick=True)

    @traced
    async def write_now(self, rule: Rule, who: str, message: str, *, quick: bool = False) -> Result:
        """Make a release at once, without waiting for data planes; see ``Releases.write``."""
        async with self.lock:
            result = await self.call(lambda: self.releases.write(rule, who, message, quick=quick))
            self._catch_up(result.previous)
            if not result.unchanged:
                self.judge.note_single(result.release.number, result.delta)
                self._take_up(result)
                self._pusher.wake(hurry=not quick)
            return result

    async def change_and_wait(
        self, rule: Rule, who: str, message: str, wait: float
    ) -> Outcome | None:
        """Publish one write of the Admin API as a release is: it is taken back when refused.

        One that is held waits for nothing: None.
        """
        if self.held.wanted is not None:
            await self.held.write(self.held.wanted, rule, who)
            return None
        return await self._write(lambda: self.releases.write(rule, who, message), wait, _NOBODY)

    async def publish_hold(
        self, name: str, who: str, message: str, wait: float, check: Check | None = None
    ) -> Outcome:
        """Publish a hold; raises ``NotFound``, ``DocumentError``, and what ``check`` raises."""
        outcomes: list[Outcome] = []
        author = who or self.held.holds.get(name).who

        async def write(rule: Rule, message: str) -> Result:
            made = await self._write(
                lambda: self.releases.write(checked(rule, check), author, message), wait, _NOBODY
            )
            outcomes.append(made)
            return made.result

        await self.held.publish(name, write, message)
        return outcomes[0]

    @traced
    async def _write(
        self, write: Callable[[], Result], wait: float, owner: str | None = None
    ) -> Outcome:
        async with self.lock:
            result = await self.call(write)
            self._catch_up(result.previous)
            if not result.release.hash:
                result = replace(result, release=await self._hashed(result.release))
            if result.release.void:
                return Outcome(result)
            call = _WaitingCall(result, self._awaited(result, owner))
            self.judge.retry(call.awaited.delta)
            self._take_up(result)
            self.judge.expect(call.awaited)
            self._calls.append(call)
            self._pusher.wake(again=result.unchanged)
        try:
            return await self._verdicts(call, wait)
        finally:
            self._calls.remove(call)
            self.judge.dismiss(call.awaited)

    async def newest_with_hash(self) -> Release | None:
        """Return the newest release with its hash, which single writes leave for later."""
        newest = self._newest
        if newest is None or newest.hash:
            return newest
        return await self._hashed(newest)

    async def _hashed(self, release: Release) -> Release:
        await self._pusher.made(release.table)  # beside the store, which has other calls
        found = await self.call(lambda: self.releases.with_hash(release))
        if self._newest is not None and self._newest.number == found.number:
            self._newest = found
        return found

    def _awaited(self, result: Result, owner: str | None) -> AwaitedRelease:
        nodes = self._data_planes.connected() + self._data_planes.elsewhere()
        lacking = self._rollout.lacking()
        delta = dict(result.delta)
        if result.unchanged:
            # It vouches for what it published again, and is told when that is refused.
            delta = {
                (collection, row["id"]): RowChange(row, row)
                for collection, rows in result.release.table.items()
                for row in rows
                if owner is None or owner_of(row) == owner
            }
        return AwaitedRelease(
            result.release.number, delta, nodes, lacking, vouches=result.unchanged
        )

    async def _verdicts(self, call: _WaitingCall, wait: float) -> Outcome:
        """Wait until each data plane has responded, at most ``wait`` seconds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait
        awaited = call.awaited
        while not self._settled(call) and not self._rollout.stopping:
            left = deadline - loop.time()
            if left <= 0 and not (awaited.refusals and not awaited.vouches):
                break
            with suppress(TimeoutError):
                # What is refused is taken back first, however long that takes.
                async with asyncio.timeout(left if left > 0 else None):
                    await self._data_planes.news()
        if call.failure is not None:
            raise call.failure
        verdicts = [awaited.verdicts[node].worded(wait) for node in awaited.nodes]
        if call.taken_back is not None:
            await self._back(call.taken_back, verdicts, min(wait, _SETTLE))
        return Outcome(call.result, verdicts, call.taken_back)

    def _settled(self, call: _WaitingCall) -> bool:
        awaited = call.awaited
        self.judge.look_at(awaited)
        if call.failure is not None:
            return True
        if awaited.refusals and not awaited.vouches and call.taken_back is None:
            return False
        return all(one.status != "timeout" for one in awaited.verdicts.values())

    async def _back(self, back: Release, verdicts: list[Verdict], wait: float) -> None:
        """Wait until those that served the refused release serve the one after it."""
        nodes = [one.id for one in verdicts if one.status == "confirmed"]
        awaited = AwaitedRelease(back.number, {}, nodes)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait
        while loop.time() < deadline and not self._rollout.stopping and not back.void:
            self.judge.look_at(awaited)
            if all(one.status == "confirmed" for one in awaited.verdicts.values()):
                return
            with suppress(TimeoutError):
                async with asyncio.timeout(deadline - loop.time()):
                    await self._data_planes.news()

    async def _watch(self) -> None:
        """Follow what data planes say for as long as there are any."""
        while True:
            news = self._data_planes.event
            self._pusher.arrived()
            refused, again = self.judge.look()
            for awaited in refused:
                call = next((one for one in self._calls if one.awaited is awaited), None)
                if call is not None:
                    await self._take_back(call)
            if again:
                self._pusher.wake()
            await self._keep_left_out()
            await news.wait()

    async def _keep_left_out(self) -> None:
        """Have what is left out be so after a restart."""
        left_out = self.judge.left_out
        if left_out.edition == self._edition:
            return
        self._edition, self._kept = left_out.edition, left_out.kept()
        kept = self._kept
        try:
            await self.call(lambda: self.releases.store.keep_note(_NOTE, kept))
        except StoreError as error:
            _log.error("refusals not kept", reason=str(error))

    async def _take_back(self, call: _WaitingCall) -> None:
        refused = call.result
        first = call.awaited.refusals[0]
        text = f"rollback: release {refused.release.number} was refused by {first.hostname}"
        message = f"{text}: {first.error}"
        _log.warning("release refused", release=refused.release.number, reason=first.error)
        async with self.lock:
            try:
                back = await self.call(
                    lambda: self.releases.take_back(refused, refused.release.who, message)
                )
            except StoreError as error:
                # The caller is told that the database fails; the rest follows when it responds.
                call.failure = error
                self._owed.append(call)
                self._data_planes.announce()
                return
            call.awaited.end = back.release.number
            call.taken_back = back.release
            self.spans.follow(back.release.number, refused.release.number)
            self._take_up(back)
            self._pusher.wake()
        self._data_planes.announce()

    def _take_up(self, result: Result) -> None:
        self._newest = release = result.release
        self.spans.note(result)
        if not result.unchanged:
            number, who, message = release.number, release.who, release.message
            note_release(number)
            _log.info("release published", release=number, who=who, message=message)
