# SPDX-License-Identifier: Apache-2.0
"""What a worker does: serve requests, and do what its master asks over the channel.

When the master is gone it drains and ends by itself.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Callable, Coroutine
from typing import Any

from gateway.data_plane.channel import REPLY, Command, Message, WorkerChannel
from gateway.data_plane.listeners import open_listener
from gateway.data_plane.low_priority import at_low_priority
from gateway.data_plane.worker.compile import (
    CompiledConfiguration,
    compile_configuration,
    enabled_types,
)
from gateway.data_plane.worker.parts import WorkerParts
from gateway.data_plane.worker.snapshot import Snapshot
from gateway.data_plane.worker.store_client import StoreClient
from gateway.errors import ReleaseRefused, SettingsError
from gateway.http.server import Listener
from gateway.hybrid.extensions import encode, read_tried
from gateway.logs import configure_logs, get_logger
from gateway.plugins.shared_store import SharedStore
from gateway.proxy.balancing.health import PeerState
from gateway.proxy.balancing.passive_checks import HealthReport
from gateway.settings.compatibility import use_version
from gateway.settings.listen import parse_proxy_listen
from gateway.settings.settings import Settings
from gateway.tasks import BackgroundTasks

_log = get_logger("gateway.worker")

_FLUSH = 4.0
"""Of the seconds for draining, those kept for Kafka when requests take all the others."""
_LAST_CALL = 0.02
"""Seconds in which connections that wait to be accepted still are."""


class Worker:
    """What stands behind the channel in a worker process."""

    def __init__(
        self, index: int, counts: int | None = None, store: SharedStore | None = None
    ) -> None:
        self.index = index
        self._counts = counts
        self._store = store
        self.ended = asyncio.Event()
        self.channel: WorkerChannel | None = None
        self._parts: WorkerParts | None = None
        self._next: tuple[Snapshot, Any] | None = None
        self._draining = False
        self._sockets: list[socket.socket] = []
        self._tasks = BackgroundTasks()

    @property
    def parts(self) -> WorkerParts:
        """What it is made of; there is none before ``Command.INIT``."""
        assert self._parts is not None
        return self._parts

    def receive(self, message: Message) -> None:
        """Do what the master asks."""
        handlers: dict[str, Callable[[Message], Coroutine[Any, Any, None] | None]] = {
            Command.INIT: self._init,
            Command.PREPARE: self._prepare,
            Command.COMMIT: self._commit,
            Command.DISCARD: self._discard,
            Command.LISTEN: self._listen,
            Command.STATS: self._stats,
            Command.PING: self._reply,
            Command.PURGE: self._purge,
            Command.HEALTH: self._health,
            Command.TRY: self._try,
            Command.PART: lambda asked: self.parts.server.part(bool(asked.data["parting"])),
            Command.DRAIN: lambda asked: self.drain(float(asked.data["seconds"])),
        }
        work = handlers[message.kind](message)
        if work is not None:
            self._tasks.start(work)

    async def drain(self, seconds: float) -> None:
        """Stop accepting, finish what is under way, flush to Kafka, end."""
        if self._draining:
            return
        self._draining = True
        started = asyncio.get_running_loop().time()
        await self._accept_the_last()
        if self._parts is not None:
            finished = await self._parts.server.drain(max(seconds - _FLUSH, seconds / 2))
            if not finished:
                _log.warning("requests were cut off: they took longer than the time to drain")
            spent = asyncio.get_running_loop().time() - started
            await self._parts.close(max(seconds - spent, 1.0))
        self._report(0)
        self.ended.set()

    async def _accept_the_last(self) -> None:
        """Take in clients that have connected already; closing the sockets would reset them."""
        for listening in self._sockets:
            listening.listen(0)
        await asyncio.sleep(_LAST_CALL if self._sockets else 0)

    def _init(self, message: Message) -> None:
        settings = Settings.parse(message.data["values"])
        configure_logs(settings.log_level, role=settings.role, worker=self.index)
        use_version(settings.compatibility_version)
        try:
            self._parts = WorkerParts.make(
                settings, message.data, self.index, self._counts, self._store
            )
        except SettingsError as error:
            _log.error("worker cannot start", problems=error.problems)
            self.ended.set()
            return
        self._parts.balancers.report = self._report_health

    async def _prepare(self, message: Message) -> None:
        data = message.data
        self._discard(message)
        # A collection of a configuration half made stops everything for a tenth of a second when
        # it has 10,000 routes; what compiling leaves behind is freed without the collector.
        gc.collect(1)
        gc.disable()
        try:
            environment = {**os.environ, **data["environment"]}
            found, contexts = await at_low_priority(
                self._compile, message.body, data["hash"], environment
            )
            snapshot = await Snapshot.build(
                found, self.parts.application.snapshot, self.parts.resources
            )
            self._next = snapshot, contexts
            self._reply(message, ok=True)
        except ReleaseRefused as error:
            gc.enable()
            self._reply(message, ok=False, errors=error.errors)
        except Exception as error:
            gc.enable()
            _log.exception("release cannot be compiled")
            reason = f"the release cannot be compiled: {type(error).__name__} (see the log)"
            self._reply(message, ok=False, errors=[reason])

    def _compile(
        self, table: bytes, digest: str, environment: dict[str, str]
    ) -> tuple[CompiledConfiguration, Any]:
        settings, certificates = self.parts.settings, self.parts.certificates
        types = enabled_types(settings.plugins)
        found = compile_configuration(
            table, digest, environment, types, hidden_dots=settings.allow_hidden_dots
        )
        if certificates is None:
            return found, None
        rows = found.rows
        return found, certificates.prepare(
            rows.get("certificates", ()), rows.get("snis", ()), found.certificate_requests
        )

    def _commit(self, message: Message) -> None:
        if self._next is not None:
            (snapshot, contexts), self._next = self._next, None
            application, certificates = self.parts.application, self.parts.certificates
            before = application.snapshot
            if certificates is not None:
                certificates.swap(contexts)
            application.serve(snapshot)
            before.retire(snapshot)
            gc.freeze()
            gc.enable()
        self._reply(message, ok=True)

    def _discard(self, message: Message) -> None:
        if self._next is not None:
            (snapshot, _), self._next = self._next, None
            snapshot.discard(self.parts.application.snapshot)
            gc.enable()

    async def _listen(self, message: Message) -> None:
        listeners, certificates = [], self.parts.certificates
        try:
            for address in parse_proxy_listen(message.data["addresses"]):
                # The master sends a certificate to a node with an https listener.
                assert certificates is not None or not address.ssl
                context = certificates.context if certificates and address.ssl else None
                self._sockets.append(open_listener(address))
                listeners.append(Listener(self._sockets[-1], context, named=address.proxy_protocol))
            await self.parts.server.start(listeners)
        except OSError as error:
            self._reply(message, ok=False, error=str(error))
            return
        # What was imported stays: the collector need not look at it again and again.
        gc.freeze()
        gc.enable()
        types = enabled_types(self.parts.settings.plugins)
        plugins = {name: kind.version for name, kind in types.items()}
        self._reply(message, ok=True, plugins=plugins)

    async def _stats(self, message: Message) -> None:
        if self._parts is None:
            return
        # Thousands of routes are not written in one go: requests would wait for it.
        requests = await self._parts.resources.request_metrics.written()
        self._report(message.data["number"], requests)

    async def _try(self, message: Message) -> None:
        # Late: hardly any worker is ever asked to.
        from gateway.data_plane.worker.tracing import trace_request

        trace = await trace_request(self.parts, read_tried(message.body))
        self._reply(message, trace=encode(trace).decode())

    def _health(self, message: Message) -> None:
        """Take over how the peers of upstreams stand."""
        if self._parts is not None:
            for upstream, states in message.data["upstreams"].items():
                peers = [((host, ip, port), PeerState(state)) for host, ip, port, state in states]
                self._parts.balancers.take(upstream, peers)

    def _report_health(self, report: HealthReport) -> None:
        """Tell the master what a request tells of a peer."""
        if self.channel is not None:
            row = [report.upstream, *report.peer, report.event]
            self.channel.send(Command.HEALTH, {"reports": [row]})

    async def _purge(self, message: Message) -> None:
        gone = await self.parts.application.snapshot.purge(message.data["prefix"])
        self._reply(message, gone=gone)

    def _report(self, number: int, requests: Any = None) -> None:
        if self.channel is not None and self._parts is not None:
            report = self._parts.report(requests)
            self.channel.send(Command.STATS, {"number": number, **report})

    def _reply(self, message: Message, **data: Any) -> None:
        if self.channel is not None:
            self.channel.send(REPLY, {"number": message.data.get("number", 0), **data})


async def run(descriptor: int, counts: int, index: int, store: int) -> None:
    """Serve until the master, a signal, or the end of the master says stop."""
    loop = asyncio.get_running_loop()
    shared = await StoreClient.open(socket.socket(fileno=store))
    worker = Worker(index, counts, shared)

    def stop() -> None:
        worker.receive(Message(Command.DRAIN, {"seconds": 12.0}))

    # The master hears Ctrl-C too, and leads the way out.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    loop.add_signal_handler(signal.SIGTERM, stop)
    loop.add_signal_handler(signal.SIGHUP, lambda: None)
    end = socket.socket(fileno=descriptor)
    worker.channel = await WorkerChannel.open(end, worker.receive, stop)
    await worker.ended.wait()
    worker.channel.close()
    shared.close()
    await asyncio.sleep(0)
