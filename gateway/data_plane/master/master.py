# SPDX-License-Identifier: Apache-2.0
"""The master of a data plane: starts the workers, holds the configuration, reports on the node.

What a start needs is imported first and little: the workers are forked before this is imported; the
control plane's connection comes when they serve.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

from gateway import __version__
from gateway.data_plane.capacity import capacity
from gateway.data_plane.listeners import Reservation, open_listener
from gateway.data_plane.master.cached_responses import CachedResponses
from gateway.data_plane.master.metrics import NodeFigures
from gateway.data_plane.master.source import Source, make_source
from gateway.data_plane.master.spawn import Spawned
from gateway.data_plane.master.status import MAX_BODY, READY, StatusApplication
from gateway.data_plane.master.supervisor import Supervisor
from gateway.data_plane.master.trusted_authorities import tell_trust, trusted_bundle
from gateway.data_plane.master.upstream_health import UpstreamHealth
from gateway.data_plane.master.upstream_metrics import healths_of
from gateway.data_plane.master.upstream_status import UpstreamStatus
from gateway.data_plane.master.vault_file import read_vault_file, readable_by_others, vault_settings
from gateway.data_plane.master.worker_process import resident_memory
from gateway.errors import ReleaseRefused, SettingsError
from gateway.http.limits import own_limits
from gateway.http.server import Listener, Server
from gateway.hybrid.node_id import node_id
from gateway.logs import configure_logs, get_logger
from gateway.plugins.node_store import NodeStore
from gateway.settings.compatibility import use_version
from gateway.settings.listen import ListenAddress
from gateway.settings.settings import Settings
from gateway.tasks import BackgroundTasks

_log = get_logger("gateway.master")

ReadValues = Callable[[], Mapping[str, str]]
"""Reads the raw settings, at the start and on SIGHUP."""

_SCRAPE = 1.0
"""Seconds a worker has to report itself before its last report counts."""
_RESTART_ONLY = (
    "cluster_",
    "compatibility_version",
    "declarative_config",
    "mem_cache_size",
    "nginx_worker_processes",
    "prefix",
    "proxy_listen",
    "role",
    "status_listen",
)
"""Beginnings of the settings that a reload does not change; the files they name are read anew."""


def run_master(
    read_values: ReadValues, values: Mapping[str, str], spawned: Sequence[Spawned]
) -> None:
    """Run the master of these workers; see ``gateway.data_plane.launch.run_data_plane``."""
    asyncio.run(Master(read_values, values, spawned).run())


class Master:
    """One node; also the ``NodeView`` of its status API."""

    def __init__(
        self, read_values: ReadValues, values: Mapping[str, str], spawned: Sequence[Spawned]
    ) -> None:
        self._read_values = read_values
        self._values = dict(values)
        self._spawned = spawned
        self.settings = Settings.parse(values)
        self.draining = False
        """Asked for over the status API, where it can be taken back."""
        self._stopping = False
        self._stop = asyncio.Event()
        self._prefix: Path
        self._node_id: str
        self._ticket_keys = ""
        self._addresses: list[ListenAddress]
        self._supervisor: Supervisor
        self._source: Source
        self._reloading = asyncio.Lock()
        self._tasks = BackgroundTasks()

    async def run(self) -> None:
        """Start, serve, drain."""
        settings = self.settings
        configure_logs(settings.log_level, role=settings.role)
        use_version(settings.compatibility_version)
        self._prefix = _make_prefix(settings)
        self._node_id = node_id(self._prefix)
        proxy = Reservation(settings.proxy_listen, "KONG_PROXY_LISTEN")
        self._addresses = proxy.addresses
        try:
            environment = _read_environment(settings, self._values)
            store = NodeStore(settings.mem_cache_size)
            init = self._init()
            health = UpstreamHealth(lambda: self.settings, lambda: self._supervisor.init["trusted"])
            self._supervisor = Supervisor(self._spawned, init, store=store, health=health)
            await self._serve(environment)
        finally:
            proxy.close()

    async def _serve(self, environment: Mapping[str, str]) -> None:
        settings, supervisor = self.settings, self._supervisor
        self._handle_signals()
        self._source = make_source(
            settings,
            self._prefix,
            supervisor,
            environment,
            lambda: _read_environment(self.settings, self._values),
        )
        status = await self._start_status()
        try:
            first, values = await self._source.start()
        except SettingsError:
            await supervisor.stop(0.0)
            raise
        supervisor.start(first, values)
        following = asyncio.create_task(self._source.follow())
        renewing = asyncio.create_task(self._source.renew())
        addresses = [str(address) for address in self._addresses]
        _log.info("started", version=__version__, workers=supervisor.count, proxy=addresses)
        room = capacity()
        _log.info("room for workers", processors=room.processors, memory_limit=room.memory)
        tell_trust(settings)
        stopping = asyncio.create_task(self._stop.wait())
        # A source that fails for good ends the node: it could never serve anything new.
        await asyncio.wait([stopping, following], return_when=asyncio.FIRST_COMPLETED)
        _log.info("stopping")
        self._stopping = True
        following.cancel()
        renewing.cancel()
        await supervisor.stop(settings.drain_timeout)
        await status.drain(0.5)
        _log.info("stopped")
        stopping.cancel()
        for task in (renewing, following):
            with suppress(asyncio.CancelledError):
                await task

    # --- status ------------------------------------------------------------------------------

    def set_draining(self, draining: bool) -> None:
        """Report the node as not ready and send its clients elsewhere, or take that back."""
        self.draining = draining
        self._supervisor.part(draining)

    def readiness(self) -> str:
        """Return ``ready``, or why this node should get no requests, as Kong words it."""
        supervisor = self._supervisor
        if self.draining or self._stopping:
            return "draining"
        if supervisor.serving is None:
            reason = supervisor.problem or "configuration hash is not initialized"
            return f"no configuration available ({reason})"
        for worker in supervisor.watchdog.missing():
            return f"worker {worker.index} has not answered for {worker.silent:.0f} s"
        if supervisor.ready < supervisor.count:
            done = f"router ready in {supervisor.ready} of {supervisor.count} workers"
            return f"router builds not yet complete, {done}"
        if supervisor.serving.empty:
            return "no configuration available (empty configuration present)"
        return READY

    def figures(self) -> NodeFigures:
        """Return what the master knows of the node."""
        supervisor = self._supervisor
        memory = {"master": resident_memory(os.getpid())}
        memory |= {str(worker.index): worker.memory() for worker in supervisor.workers}
        return NodeFigures(
            hash=supervisor.hash_in_force,
            age=None if supervisor.serving is None else monotonic() - supervisor.since,
            workers=supervisor.count,
            ready=supervisor.ready,
            restarts=supervisor.restarts,
            hung=supervisor.watchdog.ended,
            draining=self.draining or self._stopping,
            connected=self._source.connected,
            memory=memory,
            version=__version__,
            node_id=self._node_id,
            certificate_expires=self._source.certificate_expires,
            targets=healths_of(supervisor.health.upstreams) if supervisor.health.metrics else (),
        )

    async def reports(self) -> list[dict[str, Any]]:
        """Ask the workers what they counted."""
        return await self._supervisor.gather(_SCRAPE)

    def _token(self) -> str | None:
        return self.settings.read_admin_token()

    async def _start_status(self) -> Server:
        supervisor = self._supervisor
        application = StatusApplication(
            self,
            self._token,
            CachedResponses(supervisor.store, supervisor.purge),
            UpstreamStatus(supervisor.health, lambda: self._node_id),
        )
        server = Server(application, own_limits(self.settings, MAX_BODY))
        listeners = []
        for address in self.settings.status_listen:
            try:
                listeners.append(Listener(open_listener(address, shared=False)))
            except OSError as error:
                text = f"KONG_STATUS_LISTEN: cannot listen on {address}: {error.strerror}"
                raise SettingsError(f"{text}; choose another address") from None
        await server.start(listeners)
        return server

    # --- signals -----------------------------------------------------------------------------

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload_soon)

    def _reload_soon(self) -> None:
        self._tasks.start(self._reload())

    async def _reload(self) -> None:
        """Take over changed settings and vault values; keep what is there when they are wrong."""
        async with self._reloading:
            try:
                values = dict(self._read_values())
                settings = Settings.from_values(values)
                environment = _read_environment(settings, values)
            except SettingsError as error:
                _log.error("reload refused", problems=error.problems)
                return
            try:
                await self._source.reload(environment)
            except ReleaseRefused as error:
                _log.error("reload refused, the old values stay", problems=error.errors)
            self._take_settings(values)
            try:
                init = self._init()
            except SettingsError as error:
                _log.error("reload refused", problems=error.problems)
                return
            if init != self._supervisor.init:
                await self._supervisor.replace(init)
            _log.info("reloaded", hash=self._supervisor.hash_in_force)

    def _take_settings(self, values: dict[str, str]) -> None:
        """Take over what may change while the node runs."""
        names = values.keys() | self._values.keys()
        changed = {name for name in names if values.get(name) != self._values.get(name)}
        fixed = {name for name in changed if name.startswith(_RESTART_ONLY)}
        if fixed:
            _log.warning("settings that need a restart have changed", settings=sorted(fixed))
        kept = {name: self._values[name] for name in fixed if name in self._values}
        rest = {name: text for name, text in values.items() if name not in fixed}
        self._values = {**rest, **kept}
        self.settings = Settings.parse(self._values)
        configure_logs(self.settings.log_level, role=self.settings.role)

    def _init(self) -> dict[str, Any]:
        """Return what each worker gets first; files are read anew. Raises ``SettingsError``."""
        certificate = None
        if any(address.ssl for address in self._addresses):
            from gateway.data_plane.master.default_certificate import listener_certificate
            from gateway.http.ticket_keys import SIZE

            certificate = listener_certificate(self.settings, self._prefix)
            # The same for workers that are started anew.
            self._ticket_keys = self._ticket_keys or os.urandom(SIZE).hex()
        return {
            "values": self._values,
            "addresses": ", ".join(str(address) for address in self._addresses),
            "certificate": certificate,
            "ticket_keys": self._ticket_keys,
            "trusted": trusted_bundle(self.settings, self._prefix),
            "node_id": self._node_id,
            "drain": self.settings.drain_timeout,
            "watchdog": self.settings.worker_watchdog,
        }


def _read_environment(settings: Settings, values: Mapping[str, str]) -> dict[str, str]:
    """Return what vault references read beside the process' environment."""
    found = vault_settings(values)
    if settings.env_file is None:
        return found
    path = Path(settings.env_file)
    found |= read_vault_file(path)
    if readable_by_others(path):
        _log.warning("the file with vault values is readable by every user", file=str(path))
    return found


def _make_prefix(settings: Settings) -> Path:
    prefix = Path(settings.prefix)
    try:
        prefix.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        text = f"KONG_PREFIX: cannot make {prefix}: {error.strerror}"
        raise SettingsError(f"{text}; give a folder that can be written to") from None
    if not os.access(prefix, os.W_OK):
        raise SettingsError(f"KONG_PREFIX: {prefix} cannot be written to")
    return prefix
