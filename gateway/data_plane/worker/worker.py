# SPDX-License-Identifier: Apache-2.0
"""What a worker does: serve requests, and do what its master asks over the channel.

When the master is gone it drains and ends by itself.
"""

from __future__ import annotations

import asyncio
import collections
import gc
import os
import signal
import socket
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from gateway.data_plane.capacity import processors
from gateway.data_plane.channel import REPLY, Command, Message, WorkerChannel
from gateway.data_plane.counters import SEPARATOR, Counters
from gateway.data_plane.listeners import open_listener
from gateway.data_plane.low_priority import at_low_priority
from gateway.data_plane.worker.access_log import AccessLog
from gateway.data_plane.worker.application import GatewayApplication
from gateway.data_plane.worker.compile import (
    CompiledConfiguration,
    compile_configuration,
    enabled_types,
)
from gateway.data_plane.worker.snapshot import Snapshot, WorkerResources
from gateway.errors import ReleaseRefused, SettingsError
from gateway.http.forwarded import TrustedProxies
from gateway.http.limits import Limits, limits_of
from gateway.http.server import Listener, Server
from gateway.kafka.pool import ProducerPool
from gateway.logs import configure_logs, get_logger
from gateway.open_files import allow_connections
from gateway.plugins.limits import RecordLimits
from gateway.plugins.shared_counters import SharedCounters
from gateway.proxy.dns import Dns
from gateway.proxy.proxy import Proxy
from gateway.proxy.resolver import Resolver
from gateway.settings.listen import parse_listen
from gateway.settings.settings import Settings
from gateway.tasks import BackgroundTasks

_log = get_logger("gateway.worker")

_FLUSH = 4.0
"""Of the seconds for draining, those kept for Kafka when requests take all the others."""
_LAST_CALL = 0.02
"""Seconds in which connections that wait to be accepted still are."""


class Worker:
    """What stands behind the channel in a worker process."""

    def __init__(self, index: int, counts: int | None = None) -> None:
        self.index = index
        self._counts = counts
        self.ended = asyncio.Event()
        self.channel: WorkerChannel | None = None
        self._settings: Settings
        self._application: GatewayApplication
        self._server: Server
        self._resources: WorkerResources
        self._certificates: Any = None
        self._next: tuple[Snapshot, Any] | None = None
        self._draining = False
        self._sockets: list[socket.socket] = []
        self._tasks = BackgroundTasks()
        self._access_log: AccessLog | None = None

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
            Command.PART: lambda asked: self._server.part(bool(asked.data["parting"])),
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
        if hasattr(self, "_server"):
            finished = await self._server.drain(max(seconds - _FLUSH, seconds / 2))
            if not finished:
                _log.warning("requests were cut off: they took longer than the time to drain")
            spent = asyncio.get_running_loop().time() - started
            await self._close(max(seconds - spent, 1.0))
        self._report(0)
        self.ended.set()

    async def _accept_the_last(self) -> None:
        """Take in clients that have connected already; closing the sockets would reset them."""
        for listening in self._sockets:
            listening.listen(0)
        await asyncio.sleep(_LAST_CALL if self._sockets else 0)

    async def _close(self, seconds: float) -> None:
        await self._resources.producers.close(seconds)
        if self._resources.proxy is not None:
            self._resources.proxy.close()
        if self._access_log is not None:
            self._access_log.close()

    def _init(self, message: Message) -> None:
        self._settings = settings = Settings.parse(message.data["values"])
        configure_logs(settings.log_level, role=settings.role, worker=self.index)
        try:
            self._make(settings, message.data)
        except SettingsError as error:
            _log.error("worker cannot start", problems=error.problems)
            self.ended.set()

    def _make(self, settings: Settings, data: dict[str, Any]) -> None:
        if settings.proxy_access_log != "off":
            self._access_log = AccessLog(settings.proxy_access_log)
        counters = Counters()
        self._application = GatewayApplication(counters, self._access_log)
        default_type = f"{settings.error_default_type}; charset=utf-8".encode()
        loop = asyncio.get_running_loop()
        self._resources = WorkerResources(
            counters,
            ProducerPool(loop),
            Proxy(loop, resolver=resolver_of(settings), default_type=default_type),
            settings.client_max_body_size,
            settings.allow_debug_header,
            data["trusted"],
            settings.untrusted_lua != "off",
            SharedCounters(
                self._counts, self.index, settings.nginx_worker_processes or processors()
            ),
            settings.rate_limiting_ipv6_prefix,
            RecordLimits(settings.max_records, settings.max_record_size, settings.max_json_depth),
        )
        self._server = Server(
            self._application,
            _limits(settings),
            headers=settings.headers,
            trusted=TrustedProxies(
                settings.trusted_ips,
                settings.real_ip_header,
                settings.real_ip_recursive,
                identity=settings.trusted_identity_headers,
            ),
            default_type=default_type,
        )
        if data["certificate"] is not None:
            # Imported here: plain http needs no certificates, and their library is large.
            from gateway.http.tls import Certificates

            certificate, key = data["certificate"]
            self._certificates = Certificates((certificate, key))

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
            snapshot = await Snapshot.build(found, self._application.snapshot, self._resources)
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
        settings = self._settings
        types = enabled_types(settings.plugins)
        found = compile_configuration(
            table, digest, environment, types, hidden_dots=settings.allow_hidden_dots
        )
        if self._certificates is None:
            return found, None
        rows = found.rows
        return found, self._certificates.prepare(rows.get("certificates", ()), rows.get("snis", ()))

    def _commit(self, message: Message) -> None:
        if self._next is not None:
            (snapshot, contexts), self._next = self._next, None
            before = self._application.snapshot
            if contexts is not None:
                self._certificates.swap(contexts)
            self._application.serve(snapshot)
            before.retire(snapshot)
            gc.freeze()
            gc.enable()
        self._reply(message, ok=True)

    def _discard(self, message: Message) -> None:
        if self._next is not None:
            (snapshot, _), self._next = self._next, None
            snapshot.discard(self._application.snapshot)
            gc.enable()

    async def _listen(self, message: Message) -> None:
        listeners = []
        try:
            for address in parse_listen(message.data["addresses"]):
                context = self._certificates.context if address.ssl else None
                self._sockets.append(open_listener(address))
                listeners.append(Listener(self._sockets[-1], context))
            await self._server.start(listeners)
        except OSError as error:
            self._reply(message, ok=False, error=str(error))
            return
        # What was imported stays: the collector need not look at it again and again.
        gc.freeze()
        gc.enable()
        types = enabled_types(self._settings.plugins)
        plugins = {name: kind.version for name, kind in types.items()}
        self._reply(message, ok=True, plugins=plugins)

    def _stats(self, message: Message) -> None:
        self._report(message.data["number"])

    def _report(self, number: int) -> None:
        if self.channel is None or not hasattr(self, "_server"):
            return
        server, kafka = self._server, self._resources.producers.metrics()
        data = {
            "number": number,
            "counters": {
                "routes": self._application.counters.report(),
                "accepted": server.accepted,
                "refused": server.refused,
                "log_dropped": self._access_log.dropped if self._access_log else 0,
                "kafka": {name: kafka[name] for name in ("records", "failures", "refusals")},
            },
            "gauges": {
                "active": server.connections,
                "kafka": {name: kafka[name] for name in ("messages", "bytes")},
                "producers": _states(kafka["producers"]),
            },
        }
        self.channel.send(Command.STATS, data)

    def _reply(self, message: Message, **data: Any) -> None:
        if self.channel is not None:
            self.channel.send(REPLY, {"number": message.data.get("number", 0), **data})


def _states(producers: list[dict[str, Any]]) -> dict[str, int]:
    """Count producers by bootstrap server and state."""
    keys = (one["name"] + SEPARATOR + one["state"] for one in producers)
    return dict(collections.Counter(keys))


def resolver_of(settings: Settings) -> Resolver:
    """Return what looks up the names of upstreams as the settings say."""
    dns = Dns(
        settings.dns_resolver,
        valid_ttl=settings.dns_valid_ttl,
        not_found_ttl=settings.dns_not_found_ttl,
    )
    return Resolver(dns, stale_ttl=settings.dns_stale_ttl, error_ttl=settings.dns_error_ttl)


def _limits(settings: Settings) -> Limits:
    """Return the limits for clients, who must leave open files for upstreams and Kafka."""
    connections = allow_connections(settings.max_connections)
    if connections < settings.max_connections:
        _log.info(
            "the limit of open files leaves room for fewer connections; raise it (ulimit -n)",
            max_connections=connections,
        )
    return replace(limits_of(settings), max_connections=connections)


async def run(descriptor: int, counts: int, index: int) -> None:
    """Serve until the master, a signal, or the end of the master says stop."""
    loop = asyncio.get_running_loop()
    worker = Worker(index, counts)

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
    await asyncio.sleep(0)
