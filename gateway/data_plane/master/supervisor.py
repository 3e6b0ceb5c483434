# SPDX-License-Identifier: Apache-2.0
"""The workers of a node: kept running, switched together, asked together, drained together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import Any

from gateway.data_plane.channel import Command, Message
from gateway.data_plane.counters import total
from gateway.data_plane.master.backoff import Backoff
from gateway.data_plane.master.node_release import NodeRelease
from gateway.data_plane.master.spawn import Spawned, spawn_worker
from gateway.data_plane.master.store_server import StoreServer
from gateway.data_plane.master.upstream_health import States, UpstreamHealth
from gateway.data_plane.master.watchdog import Watchdog
from gateway.data_plane.master.worker_process import WorkerProcess
from gateway.errors import ReleaseRefused, WorkerGone
from gateway.hybrid.config_hash import ZERO_HASH
from gateway.logs import get_logger
from gateway.plugins.node_store import NodeStore
from gateway.tasks import BackgroundTasks

_log = get_logger("gateway.master")

_PREPARE = 60.0
"""Seconds in which a worker must have compiled a release; a worker that hangs refuses it."""
_RESPONSE = 5.0
_PURGE = 30.0
_TRY = 25.0
_START = 30.0
"""Seconds a new worker has for its imports on a machine that is busy."""
_REPORTED = ("counters", "gauges", "exemplars")
_DEADLY = 3
"""So many workers in a row that end while compiling a release make it unusable."""


@dataclass
class _Slot:
    """The place of one worker; the process in it changes."""

    index: int
    worker: WorkerProcess | None = None
    backoff: Backoff = field(default_factory=Backoff)


class Supervisor:
    """Keeps as many workers running as were spawned. ``init`` is what each of them gets first.

    ``spawn`` starts another process for a place.
    """

    def __init__(
        self,
        spawned: Sequence[Spawned],
        init: Mapping[str, Any],
        spawn: Callable[[int], Spawned] = spawn_worker,
        store: NodeStore | None = None,
        health: UpstreamHealth | None = None,
    ) -> None:
        self.init = dict(init)
        self.store = NodeStore() if store is None else store
        """What the workers share; it outlives each of them."""
        self._store_server = StoreServer(self.store)
        self.health = UpstreamHealth() if health is None else health
        """How the targets of upstreams are, for all workers."""
        self.health.tell = self._tell_health
        self.serving: NodeRelease | None = None
        """The release that workers serve, or are to serve as soon as they run."""
        self.since = 0.0
        """Monotonic seconds of the last switch."""
        self._parting = False
        self.problem = ""
        """Why there is no configuration, when one was there and could not be used."""
        self.restarts = 0
        self.gone: list[dict[str, Any]] = []
        """What workers counted that ended: counters must never go backwards."""
        self._spawn = spawn
        self._slots = [_Slot(index) for index in range(len(spawned))]
        for slot, process in zip(self._slots, spawned, strict=True):
            slot.worker = self._process(slot, process)
        self._members: dict[int, WorkerProcess] = {}
        self.watchdog = Watchdog(
            lambda: self._members.values(),
            lambda: float(self.init.get("watchdog", 0)),
            lambda: float(self.init["drain"]),
        )
        self._environment: dict[str, str] = {}
        self._switching = asyncio.Lock()
        self._settled = asyncio.Event()
        self._stopping = False
        self._deaths = 0
        self._plugins: dict[str, str] = {}
        self._tasks = BackgroundTasks()

    # --- what the node asks ------------------------------------------------------------------

    @property
    def count(self) -> int:
        """How many workers there are to be."""
        return len(self._slots)

    @property
    def ready(self) -> int:
        """How many workers listen and respond; each of them serves ``serving``."""
        return len(self._members) - len(self.watchdog.missing())

    @property
    def workers(self) -> list[WorkerProcess]:
        """The processes that run, listening or not."""
        return [slot.worker for slot in self._slots if slot.worker is not None]

    @property
    def hash_in_force(self) -> str:
        """The hash of what workers serve, zeros before anything."""
        return ZERO_HASH if self.serving is None else self.serving.hash

    @property
    def environment(self) -> Mapping[str, str]:
        """The vault values in force."""
        return self._environment

    def start(self, release: NodeRelease | None, environment: Mapping[str, str]) -> None:
        """Let the workers serve ``release`` from their first moment, if it can be served."""
        self.serving, self.since = release, monotonic()
        self._environment = dict(environment)
        if release is not None:
            self.health.follow(release, self._environment)
        for slot in self._slots:
            if slot.worker is not None:
                self._tasks.start(self._bring_up(slot.worker))
        self._tasks.start(self.watchdog.watch())

    async def plugins(self) -> dict[str, str]:
        """Return the plugins that workers can run, name to version, as soon as they all listen."""
        await self._settled.wait()
        return self._plugins

    async def apply(self, release: NodeRelease, environment: Mapping[str, str]) -> None:
        """Switch every worker to ``release``, or none.

        ``environment`` has the vault file's values; they stay in force for later workers.
        Raises ``ReleaseRefused`` with the reasons and the hash.
        """
        try:
            await self._started()
            async with self._switching:
                await self._switch(release, environment)
        except ReleaseRefused as error:
            error.hash = release.hash
            self.refused(error)
            raise
        _log.info("configuration applied", hash=release.hash)

    async def renew(self, release: NodeRelease, environment: Mapping[str, str]) -> bool:
        """Give workers other vault values, if ``release`` is what they serve; tell whether it is.

        Raises ``ReleaseRefused``, and the old values stay.
        """
        async with self._switching:
            if self.serving is not release:
                return False
            await self._switch(release, environment)
        return True

    def refused(self, error: ReleaseRefused) -> None:
        """Remember why there is no configuration, unless another one is in force."""
        if self.serving is None:
            self.problem = str(error)

    def part(self, parting: bool) -> None:
        """Have clients close their connections, at each worker and those that replace it."""
        self._parting = parting
        for worker in self._members.values():
            worker.tell(Command.PART, {"parting": parting})

    async def gather(self, within: float = 1.0) -> list[dict[str, Any]]:
        """Return what each worker reports of itself.

        A worker that does not respond in time counts with its last report: a scrape never hangs,
        and one that is known not to respond is not waited for.
        """

        async def ask(worker: WorkerProcess) -> None:
            try:
                await worker.ask(Command.STATS, within=within)
            except (WorkerGone, TimeoutError):
                _log.warning("worker does not report", worker=worker.index, pid=worker.pid)

        missing = self.watchdog.missing()
        there = [worker for worker in self._members.values() if worker not in missing]
        await asyncio.gather(*(ask(worker) for worker in there))
        reports = [
            {name: worker.stats[name] for name in _REPORTED if name in worker.stats}
            for worker in self.workers
            if worker.stats is not None
        ]
        return [*self.gone, *reports]

    async def purge(self, prefix: str) -> int:
        """Have one worker remove cached responses from where all nodes have them."""
        for worker in self._members.values():
            try:
                message = await worker.ask(Command.PURGE, {"prefix": prefix}, within=_PURGE)
            except (WorkerGone, TimeoutError):
                continue
            return int(message.data["gone"])
        return 0

    async def try_request(self, request: bytes) -> str:
        """Have one worker serve a request; return its trace. Raises ``WorkerGone``."""
        worker = next(iter(self._members.values()), None)
        if worker is None:
            raise WorkerGone("no worker is running")
        reply = await worker.ask(Command.TRY, body=request, within=_TRY)
        return str(reply.data["trace"])

    async def replace(self, init: Mapping[str, Any]) -> None:
        """Put new workers with new settings in the places of the old, one after the other."""
        self.init = dict(init)
        for slot in self._slots:
            new = self._process(slot)
            await self._bring_up(new)
            if self._members.get(slot.index) is not new:
                _log.error("worker with new settings did not start, the old ones stay")
                return
            old, slot.worker = slot.worker, new
            if old is not None:
                await self._drain(old, float(init["drain"]))

    async def stop(self, seconds: float) -> None:
        """Drain all workers, then end those that are still there."""
        self._stopping = True
        self.health.close()
        workers = self.workers
        await asyncio.gather(*(self._drain(worker, seconds) for worker in workers))

    async def _switch(self, release: NodeRelease, environment: Mapping[str, str]) -> None:
        members = list(self._members.values())
        if not members:
            raise ReleaseRefused(["no worker is running that could take over the release"])
        outcomes = await asyncio.gather(
            *(self._prepare(worker, release, environment) for worker in members)
        )
        problems = sorted({text for problems in outcomes for text in problems})
        if problems:
            for worker in members:
                worker.tell(Command.DISCARD)
            raise ReleaseRefused(problems)
        self.serving, self.since, self.problem = release, monotonic(), ""
        self._environment = dict(environment)
        self.health.follow(release, self._environment)
        await asyncio.gather(*(self._commit(worker) for worker in members))

    async def _started(self) -> None:
        try:
            async with asyncio.timeout(_PREPARE):
                await self._settled.wait()
        except TimeoutError:
            raise ReleaseRefused(["the workers of this node do not start"]) from None

    # --- one worker --------------------------------------------------------------------------

    def _process(self, slot: _Slot, spawned: Spawned | None = None) -> WorkerProcess:
        process = self._spawn(slot.index) if spawned is None else spawned
        made = WorkerProcess(slot.index, process, partial(self._exited, slot))
        made.on_health = self.health.reported
        return made

    def _tell_health(self, upstream: str, states: States) -> None:
        """Let all workers know how the peers of an upstream stand."""
        for worker in self.workers:
            worker.tell(Command.HEALTH, {"upstreams": {upstream: states}})

    async def _bring_up(self, worker: WorkerProcess) -> None:
        """Lead a new worker to the release in force, then let it listen."""
        try:
            await worker.connect()
            await self._store_server.attach(worker.take_store())
            worker.tell(Command.INIT, self.init)
            worker.tell(Command.HEALTH, {"upstreams": self.health.states()})
            while not await self._catch_up(worker):
                pass
        except (WorkerGone, TimeoutError) as error:
            if not worker.leaving:
                _log.error("worker did not start", worker=worker.index, reason=str(error))
                worker.kill()

    async def _catch_up(self, worker: WorkerProcess) -> bool:
        """Give a worker the release in force; return whether it listens with that very release."""
        release, environment = self.serving, self._environment
        if release is not None:
            try:
                problems = await self._compile(worker, release, environment)
            except WorkerGone:
                if not worker.leaving:
                    self._count_death(release)
                raise
            if problems:
                self._give_up(release, problems)
                return False
            await self._commit(worker)
        async with self._switching:
            if self.serving is not release or self._environment is not environment:
                return False
            addresses = {"addresses": self.init["addresses"]}
            response = await worker.ask(Command.LISTEN, addresses, within=_START)
            if not response.data["ok"]:
                _log.error("worker cannot listen", reason=response.data["error"])
                raise WorkerGone(response.data["error"])
            self._deaths = 0
            self._plugins = response.data["plugins"]
            if self._parting:
                worker.tell(Command.PART, {"parting": True})
            if not (self._stopping or worker.leaving):
                self._members[worker.index] = worker
        if len(self._members) == self.count:
            self._settled.set()
        return True

    async def _prepare(
        self, worker: WorkerProcess, release: NodeRelease, environment: Mapping[str, str]
    ) -> Sequence[str]:
        """Have a worker compile; one that ends over it has refused as well."""
        try:
            return await self._compile(worker, release, environment)
        except WorkerGone:
            return [f"worker {worker.index} ended while it compiled the release"]

    async def _compile(
        self, worker: WorkerProcess, release: NodeRelease, environment: Mapping[str, str]
    ) -> Sequence[str]:
        """Have a worker compile a release beside the one it serves; return why it refuses."""
        data = {"hash": release.hash, "environment": environment}
        try:
            response = await worker.ask(Command.PREPARE, data, release.table, within=_PREPARE)
        except TimeoutError:
            return [f"worker {worker.index} did not compile the release in {_PREPARE:.0f} s"]
        return () if response.data["ok"] else list(response.data["errors"])

    async def _commit(self, worker: WorkerProcess) -> Message | None:
        try:
            return await worker.ask(Command.COMMIT, within=_RESPONSE)
        except WorkerGone:
            return None  # Its successor starts with the new release.
        except TimeoutError:
            _log.error("worker did not switch, it is replaced", worker=worker.index)
            worker.kill()
            return None

    def _give_up(self, release: NodeRelease, problems: Sequence[str]) -> None:
        """A release that was accepted once cannot be used any more: wait for another one."""
        if self.serving is release:
            self.serving, self.problem = None, "; ".join(problems)
            _log.error("the configuration at hand cannot be used", problems=list(problems))

    def _count_death(self, release: NodeRelease) -> None:
        self._deaths += 1
        if self._deaths >= _DEADLY:
            self._give_up(release, ["workers end while they compile the release"])
            self._deaths = 0

    def _exited(self, slot: _Slot, worker: WorkerProcess) -> None:
        if self._members.get(worker.index) is worker:
            del self._members[worker.index]
        if worker.stats is not None:
            ended = {"counters": worker.stats["counters"]}
            self.gone = [total([*self.gone, ended])]
        if self._stopping or slot.worker is not worker:
            return
        slot.worker = None
        self.restarts += 1
        pause = slot.backoff.delay(monotonic() - worker.started)
        said: dict[str, Any] = {"code": worker.code, "again_in": pause}
        if worker.fatal:
            said["fatal"] = worker.fatal
        _log.error("worker ended", worker=worker.index, pid=worker.pid, **said)
        self._tasks.start(self._again(slot, pause))

    async def _again(self, slot: _Slot, pause: float) -> None:
        await asyncio.sleep(pause)
        if not self._stopping and slot.worker is None:
            slot.worker = self._process(slot)
            await self._bring_up(slot.worker)

    async def _drain(self, worker: WorkerProcess, seconds: float) -> None:
        self._members = {k: v for k, v in self._members.items() if v is not worker}
        await worker.drain(seconds)
