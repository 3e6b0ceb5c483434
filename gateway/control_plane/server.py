# SPDX-License-Identifier: Apache-2.0
"""The control plane as a process: everything it is made of, started and stopped in order."""

from __future__ import annotations

import asyncio
import signal
import socket
import ssl
from collections.abc import Sequence
from pathlib import Path

import uvloop
from starlette.types import ASGIApp

from gateway.control_plane.access.audit_file import AuditFile
from gateway.control_plane.access.audit_log import AuditLog
from gateway.control_plane.access.audit_store import AuditStore
from gateway.control_plane.access.authentication import Authentication
from gateway.control_plane.access.token_upkeep import TokenUpkeep
from gateway.control_plane.access.tokens import TokenStore
from gateway.control_plane.admin.app import admin_app
from gateway.control_plane.admin.info import AdminNode
from gateway.control_plane.admin.responses import MAX_BODY
from gateway.control_plane.clustering.data_planes import DataPlanes
from gateway.control_plane.clustering.extensions import NodeExtensions
from gateway.control_plane.clustering.listener import ClusterListener
from gateway.control_plane.clustering.rollout import Rollout
from gateway.control_plane.data_plane_lines import DataPlaneLines
from gateway.control_plane.data_plane_rows import DataPlaneRows
from gateway.control_plane.database.choice import database_of, keyring_of
from gateway.control_plane.database.news import DatabaseNews
from gateway.control_plane.held_writes import HoldTimes
from gateway.control_plane.holds import BrokenOff
from gateway.control_plane.metrics import ControlPlaneMetrics
from gateway.control_plane.page.app import MAX_BODY as MAX_FORM
from gateway.control_plane.page.app import GatewayPage, PageParts
from gateway.control_plane.publish_spans import PublishSpans
from gateway.control_plane.publisher import Publisher
from gateway.control_plane.releases import Releases
from gateway.control_plane.retention import Retention
from gateway.control_plane.status import NodeStatus, status_app
from gateway.control_plane.store import Store
from gateway.control_plane.traffic import Traffic
from gateway.control_plane.web import WebServer, listen
from gateway.errors import SettingsError
from gateway.http.callers import is_loopback
from gateway.http.limits import Limits, own_limits
from gateway.hybrid.client_tls import certificate_expires
from gateway.hybrid.node_id import node_id
from gateway.hybrid.server_tls import ClusterIdentity
from gateway.logs import configure_logs, get_logger
from gateway.open_files import allow_open_files
from gateway.pem import add_authorities, load_chain, read_pem
from gateway.plugins.opentelemetry.process_spans import NO_SPANS, ProcessSpans
from gateway.settings.compatibility import use_version
from gateway.settings.listen import ListenAddress
from gateway.settings.settings import Settings, env_name

_OPEN_FILES = 4096
"""For full listeners, and a connection of each data plane beside them."""

_log = get_logger("gateway.control_plane")


class ControlPlane:
    """One control plane. ``start`` and ``stop`` belong on one event loop."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.sockets: dict[str, list[socket.socket]] = {}
        """What listens, by setting name; tests take their ports from here."""
        retention = Retention(settings.releases_kept, settings.releases_kept_for)
        self.store = Store(database_of(settings), retention=retention)
        self.tokens = TokenStore(self.store)
        self.authentication = Authentication(settings.read_admin_token())
        self._listener: ClusterListener | None = None
        self.publisher: Publisher | None = None
        self._news: DatabaseNews | None = None
        self.data_planes = DataPlanes()
        self.extensions = NodeExtensions(Traffic())
        self._servers: list[WebServer] = []
        self.spans = NO_SPANS
        self.audit: AuditLog | None = None
        self.page: GatewayPage | None = None
        self.data_plane_rows: DataPlaneRows | None = None
        self._upkeep: TokenUpkeep | None = None
        self._certificate_expires: float | None = None

    async def start(self) -> None:
        """Open database and listeners. Raises ``SettingsError`` and ``StoreError``."""
        await asyncio.to_thread(self._open_store)
        own_id = node_id(Path(self.settings.prefix))
        self.spans = ProcessSpans(self.settings, "kafka-gateway-control-plane", own_id)
        self.authentication.take(await asyncio.to_thread(self.tokens.all))
        rows = await asyncio.to_thread(lambda: list(self.store.load_data_planes()))
        self.data_planes = DataPlanes(
            rows,
            self.settings.cluster_nodes_per_certificate,
            control_plane=own_id,
        )
        if self.settings.cluster_listen:
            self._listener = ClusterListener(
                self._identity(),
                self.data_planes,
                self.settings.cluster_max_payload,
                extensions=self.extensions if self.settings.admin_gui_listen else None,
                spans=self.spans,
            )
        releases = Releases(self.store, self.settings.cluster_max_payload)
        rollout = Rollout(self.data_planes, self._listener, PublishSpans(self.spans))
        self.publisher = Publisher(releases, rollout, _hold_times(self.settings))
        await self.publisher.start()
        every = self.settings.db_update_frequency
        self._news = DatabaseNews(self.store.database, self._learn, every)
        self._news.start()
        await self._listen(self.publisher)
        kept = self.settings.cluster_data_plane_purge_delay
        self.data_plane_rows = DataPlaneRows(self.publisher, self.data_planes, kept)
        self.data_plane_rows.start()
        self._upkeep = TokenUpkeep(
            self.tokens,
            self.authentication,
            self.publisher.call,
            self.audit,
            self.settings.tokens_kept_for,
        )
        self._upkeep.start()
        newest = self.publisher.newest
        _log.info("control plane started", release=None if newest is None else newest.number)

    def _identity(self) -> ClusterIdentity:
        """Read what data planes are shown. Raises ``SettingsError``."""
        identity = ClusterIdentity.from_settings(self.settings)
        self._certificate_expires = certificate_expires(self.settings)
        return identity

    def _open_store(self) -> None:
        self.store.keyring = keyring_of(self.settings)
        self.store.open()

    async def _listen(self, publisher: Publisher) -> None:
        for name in ("admin_listen", "admin_gui_listen", "cluster_listen", "status_listen"):
            addresses: Sequence[ListenAddress] = getattr(self.settings, name)
            self.sockets[name] = [listen(address, name) for address in addresses]
        self.audit = _audit_log(self.settings, self.store, publisher)
        if self.audit is not None:
            self.audit.start()
        status = NodeStatus(publisher, self.audit)
        node = AdminNode(node_id(Path(self.settings.prefix)), self.settings)
        app = admin_app(
            node,
            publisher,
            self.data_planes,
            status,
            self.authentication,
            self.tokens,
            self.audit,
        )
        limits = own_limits(self.settings, MAX_BODY)
        self._serve("admin_listen", app, limits)
        lines = DataPlaneLines(publisher, self.data_planes)
        if self.sockets["admin_gui_listen"]:
            parts = PageParts(
                self.settings,
                publisher,
                self.data_planes,
                lines,
                self.authentication,
                self.extensions,
                self.audit,
            )
            self.page = GatewayPage(parts)
            self._serve("admin_gui_listen", self.page.app, own_limits(self.settings, MAX_FORM))
        if self.sockets["status_listen"]:
            sockets = self.sockets["status_listen"]
            metrics = ControlPlaneMetrics(
                publisher, lines, status, lambda: self._certificate_expires
            )
            app = status_app(status, self.authentication, metrics)
            self._servers.append(WebServer(app, sockets, limits))
        if self._listener is not None:
            await self._listener.start(self.sockets["cluster_listen"])
        for server in self._servers:
            await server.start()
        self._warn_when_open()
        status.ready = True

    def _serve(self, name: str, app: ASGIApp, limits: Limits) -> None:
        """Have an application served on the sockets of a setting, with TLS where it says so."""
        addresses: Sequence[ListenAddress] = getattr(self.settings, name)
        pairs = list(zip(self.sockets[name], addresses, strict=True))
        for secure in (False, True):
            chosen = [sock for sock, address in pairs if address.ssl is secure]
            if chosen:
                tls = _admin_tls(self.settings, name) if secure else None
                self._servers.append(WebServer(app, chosen, limits, tls))

    def reload(self) -> None:
        """Read admin token and cluster certificates again; what cannot be read stays as it was."""
        try:
            self.authentication.replace(self.settings.read_admin_token())
            if self._listener is not None:
                self._listener.reload(self._identity())
        except SettingsError as error:
            _log.error("reload failed", problems=error.problems)
        else:
            _log.info("admin token and certificates read again")

    async def stop(self) -> None:
        """Close sessions with data planes, respond to requests under way, close the database."""
        if self.publisher is not None:
            self.publisher.stop()
        if self.page is not None:
            self.page.stop()
        stopping = [server.stop() for server in self._servers]
        if self._listener is not None:
            stopping.append(self._listener.stop())
        await asyncio.gather(*stopping)
        if self.data_plane_rows is not None:
            await self.data_plane_rows.stop()
        if self._upkeep is not None:
            await self._upkeep.stop()
        if self.audit is not None:
            await self.audit.stop()
        for sockets in self.sockets.values():
            for sock in sockets:
                sock.close()
        if self._news is not None:
            await self._news.stop()
        if self.publisher is not None:
            await self.publisher.close()
        self.store.close()
        await self.spans.close()
        _log.info("control plane stopped")

    async def _learn(self) -> None:
        """Take up what other control planes of the database have written."""
        assert self.publisher is not None
        await self.publisher.learn()
        changes = -1
        while changes != self.authentication.changes:
            # One that is made or revoked here meanwhile may be missing from what was read.
            changes = self.authentication.changes
            tokens = await self.publisher.call(self.tokens.all)
        known = {(one.id, one.revoked_at) for one in self.authentication.tokens}
        if {(one.id, one.revoked_at) for one in tokens} != known:
            self.authentication.take(tokens)

    def _warn_when_open(self) -> None:
        for address in self.settings.admin_listen:
            if self.authentication.required or is_loopback(address.host):
                continue
            _log.warning(
                "the Admin API can be reached by others and asks for no token; "
                "set KONG_ADMIN_TOKEN_FILE",
                address=str(address),
            )


def _audit_log(settings: Settings, store: Store, publisher: Publisher) -> AuditLog | None:
    if not settings.audit_log:
        return None
    path = settings.audit_log_file
    file = None if path is None else AuditFile(Path(path))
    return AuditLog(AuditStore(store, settings.audit_log_record_ttl), publisher.call, file)


def _hold_times(settings: Settings) -> HoldTimes:
    broken_off: BrokenOff = "publish" if settings.hold_broken_off == "publish" else "drop"
    return HoldTimes(settings.hold_writes, settings.hold_idle, broken_off)


def _admin_tls(settings: Settings, listen: str) -> ssl.SSLContext:
    if not settings.admin_ssl_cert or not settings.admin_ssl_cert_key:
        raise SettingsError(
            f"{env_name(listen)} has ssl, which needs KONG_ADMIN_SSL_CERT and "
            "KONG_ADMIN_SSL_CERT_KEY"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        load_chain(
            context,
            read_pem(settings.admin_ssl_cert[0], "KONG_ADMIN_SSL_CERT"),
            read_pem(settings.admin_ssl_cert_key[0], "KONG_ADMIN_SSL_CERT_KEY"),
        )
    except ssl.SSLError as error:
        text = f"KONG_ADMIN_SSL_CERT and KONG_ADMIN_SSL_CERT_KEY cannot be used: {error.reason}"
        raise SettingsError(f"{text}; they must be PEM and belong together") from None
    if settings.admin_client_ca is not None and listen == "admin_listen":
        _ask_certificates(context, settings.admin_client_ca)
    return context


def _ask_certificates(context: ssl.SSLContext, authority: str) -> None:
    """Have clients show a certificate if they have one."""
    name = env_name("admin_client_ca")
    try:
        add_authorities(context, read_pem(authority, name))
    except ssl.SSLError as error:
        raise SettingsError(f"{name}: is no PEM of certificates: {error.reason}") from None
    context.verify_mode = ssl.CERT_OPTIONAL


async def _serve(settings: Settings) -> None:
    control_plane = ControlPlane(settings)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    loop.add_signal_handler(signal.SIGHUP, control_plane.reload)
    try:
        await control_plane.start()
        await stopped.wait()
    finally:
        await control_plane.stop()


def run_control_plane(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT; SIGHUP reads token and certificates again.

    Raises ``SettingsError`` and ``StoreError`` when it cannot start.
    """
    configure_logs(settings.log_level, role="control_plane")
    use_version(settings.compatibility_version)
    allow_open_files(_OPEN_FILES)
    uvloop.run(_serve(settings))
