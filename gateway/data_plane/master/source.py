# SPDX-License-Identifier: Apache-2.0
"""Where a node's configuration comes from: a control plane with a cache, or a declarative file."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.data_plane.low_priority import at_low_priority
from gateway.data_plane.master.cache import ConfigCache
from gateway.data_plane.master.intake import ReadEnvironment, ReleaseIntake
from gateway.data_plane.master.node_release import NodeRelease
from gateway.data_plane.master.node_secrets import NodeSecrets
from gateway.data_plane.master.supervisor import Supervisor
from gateway.data_plane.master.trusted_authorities import trusted_bundle
from gateway.errors import DocumentError, ReleaseRefused, SettingsError, UnresolvedReference
from gateway.hybrid.node_id import node_id
from gateway.logs import get_logger
from gateway.pem import read_pem
from gateway.settings.settings import Settings

if TYPE_CHECKING:
    from gateway.data_plane.master.control_plane_client import ClusterClient
    from gateway.documents.known_rows import KnownRows

_log = get_logger("gateway.master")


class Source:
    """A place that releases come from."""

    def __init__(self, supervisor: Supervisor, intake: ReleaseIntake) -> None:
        self._supervisor = supervisor
        self._intake = intake
        self.certificate_expires: float | None = None
        """When the certificate for the control plane does, in seconds since 1970, once known."""

    @property
    def connected(self) -> bool | None:
        """Whether the control plane is connected; None without one."""
        return None

    async def first(self) -> NodeRelease | None:
        """Return what to serve from the start."""
        raise NotImplementedError

    async def follow(self) -> None:
        """Bring every later release, until cancelled."""
        raise NotImplementedError

    async def start(self) -> tuple[NodeRelease | None, Mapping[str, str]]:
        """Return what to serve from the start, with its secrets.

        Raises ``SettingsError``. A release whose secrets cannot be had is tried again later.
        """
        release = await self.first()
        if release is None:
            return None, self._intake.environment
        try:
            return release, await self._intake.complete(release)
        except UnresolvedReference as error:
            _log.error("the configuration waits for its secrets", problems=error.errors)
            return None, self._intake.environment

    async def renew(self) -> None:
        """Keep the secrets of the release in force new, until cancelled."""
        await self._intake.secrets.follow(lambda: self._intake.environment, self._retry)

    async def _retry(self) -> None:
        if await self._intake.retry():
            self._report()

    def _report(self) -> None:
        """Say what is served, where anyone asks."""

    async def reload(self, environment: Mapping[str, str]) -> None:
        """Apply again with these values; raises ``ReleaseRefused``, and the old ones stay."""
        before, self._intake.environment = self._intake.environment, environment
        self._intake.secrets.expire()
        try:
            await self._reload()
        except ReleaseRefused:
            self._intake.environment = before
            raise

    async def _reload(self) -> None:
        raise NotImplementedError


def make_source(
    settings: Settings,
    prefix: Path,
    supervisor: Supervisor,
    environment: Mapping[str, str],
    read_environment: ReadEnvironment | None = None,
) -> Source:
    """Return the source that the settings name. ``environment`` has the vault file's values.

    ``read_environment`` returns those of later, for releases that come then.
    """
    if settings.role == "data_plane":
        return ControlPlaneSource(settings, prefix, supervisor, environment, read_environment)
    return FileSource(settings, prefix, supervisor, environment)


def _secrets(settings: Settings, prefix: Path, supervisor: Supervisor) -> NodeSecrets:
    return NodeSecrets(supervisor, settings.vault_folders, lambda: trusted_bundle(settings, prefix))


class FileSource(Source):
    """A declarative file, read at the start and on SIGHUP."""

    def __init__(
        self,
        settings: Settings,
        prefix: Path,
        supervisor: Supervisor,
        environment: Mapping[str, str],
    ) -> None:
        secrets = _secrets(settings, prefix, supervisor)
        super().__init__(supervisor, ReleaseIntake(supervisor, environment, secrets=secrets))
        self._file = settings.declarative_config
        self._known: KnownRows | None = None

    async def first(self) -> NodeRelease | None:
        """Read the file. Raises ``SettingsError``: a node that can never serve must not start."""
        if self._file is None:
            _log.warning("no configuration: neither a control plane nor KONG_DECLARATIVE_CONFIG")
            return None
        try:
            return await self._read()
        except DocumentError as error:
            problems = [f"KONG_DECLARATIVE_CONFIG: {problem}" for problem in error.problems]
            raise SettingsError(*problems) from None

    async def follow(self) -> None:
        """Wait for ever: the file is read again only when asked to."""
        await asyncio.Event().wait()

    async def _reload(self) -> None:
        if self._file is not None:
            try:
                release = await self._read()
            except DocumentError as error:
                raise ReleaseRefused(error.problems) from None
            await self._intake.apply(release)

    async def _read(self) -> NodeRelease:
        # Imported here: a node with a control plane has no need of it.
        from gateway.data_plane.master.declarative import read_declarative
        from gateway.documents.known_rows import KnownRows

        assert self._file is not None
        self._known = self._known or KnownRows()
        return await at_low_priority(read_declarative, Path(self._file), self._known)


class ControlPlaneSource(Source):
    """The hybrid protocol, and the cache for when the control plane is unreachable."""

    def __init__(
        self,
        settings: Settings,
        prefix: Path,
        supervisor: Supervisor,
        environment: Mapping[str, str],
        read_environment: ReadEnvironment | None = None,
    ) -> None:
        self._settings = settings
        self._prefix = prefix
        self._client: ClusterClient | None = None
        self._key = self._read_key()
        secrets = _secrets(settings, prefix, supervisor)
        intake = ReleaseIntake(supervisor, environment, self._cache(), secrets, read_environment)
        super().__init__(supervisor, intake)

    @property
    def connected(self) -> bool:
        """Whether the control plane is connected."""
        return self._client is not None and self._client.connected_since is not None

    async def first(self) -> NodeRelease | None:
        """Return the cached release; without one the node waits for the control plane."""
        release = self._intake.cached()
        if release is not None:
            _log.info("starting with the cached configuration", hash=release.hash)
        return release

    async def follow(self) -> None:
        """Stay connected; ``ReleaseIntake.take`` gets what comes."""
        # The client and what it imports wait until the workers serve: they come first.
        plugins = await self._supervisor.plugins()
        # Imported here for the same reason.
        from gateway.data_plane.master.control_plane_client import ClusterClient, NodeIdentity
        from gateway.data_plane.master.traffic_reports import TrafficReports
        from gateway.hybrid.client_tls import certificate_expires, client_context
        from gateway.plugins.opentelemetry.process_spans import ProcessSpans

        settings, supervisor = self._settings, self._supervisor
        self.certificate_expires = certificate_expires(settings)
        host, _, port = settings.cluster_control_plane.rpartition(":")
        node = NodeIdentity(
            node_id(self._prefix),
            os.environ.get("HOSTNAME") or socket.gethostname(),
            settings.cluster_dp_labels,
            tuple(sorted(plugins.items())),
        )
        self._client = ClusterClient(
            (host.strip("[]"), int(port)),
            client_context(settings),
            node,
            self._intake,
            process_conf=_shown(settings),
            pause=(settings.cluster_reconnect_min, settings.cluster_reconnect_max),
            largest=settings.cluster_max_payload,
            traffic=TrafficReports(supervisor, traces=settings.trace_requests),
            try_request=supervisor.try_request if settings.trace_requests else None,
            spans=ProcessSpans(settings, "kafka-gateway-data-plane", node.id),
        )
        await self._client.run()

    async def _reload(self) -> None:
        """Compile the release in force with the vault values of now; read the cluster's files."""
        await self._renew()
        if self._supervisor.serving is not None:
            await self._intake.apply(self._supervisor.serving)
            return
        # What could not be used at the start may be usable with the values of now.
        release = await self.first()
        if release is not None:
            await self._intake.apply(release)
            self._report()

    def _report(self) -> None:
        if self._client is not None:
            self._client.report()

    async def _renew(self) -> None:
        """Take over certificates and key that were replaced: the next connection shows them."""
        from gateway.hybrid.client_tls import certificate_expires, client_context

        try:
            tls = client_context(self._settings)
            self.certificate_expires = certificate_expires(self._settings)
            key = self._read_key()
        except SettingsError as error:
            _log.error("the cluster's certificates cannot be used", problems=error.problems)
            return
        if self._client is not None:
            self._client.tls = tls
        if key != self._key:
            self._key = key
            await self._intake.change_cache(self._cache())

    def _cache(self) -> ConfigCache:
        return ConfigCache(self._prefix / "config.cache", self._key)

    def _read_key(self) -> str:
        return read_pem(self._settings.cluster_cert_key or "", "KONG_CLUSTER_CERT_KEY")


def _shown(settings: Settings) -> dict[str, Any]:
    """Return the settings without secrets, as a control plane may show them."""
    plain = (str, int, float, bool, type(None))
    return {
        item.name: getattr(settings, item.name)
        for item in dataclasses.fields(settings)
        if item.repr and isinstance(getattr(settings, item.name), plain)
    }
