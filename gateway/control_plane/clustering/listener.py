# SPDX-License-Identifier: Apache-2.0
"""The cluster listener: mutual TLS, the upgrade, and the sessions of all connected data planes."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
import ssl
from collections import Counter
from collections.abc import Container, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from gateway.control_plane.clustering.data_planes import DataPlane, DataPlanes
from gateway.control_plane.clustering.extensions import NodeExtensions
from gateway.control_plane.clustering.push import Push
from gateway.control_plane.clustering.session import Session, Timing
from gateway.control_plane.store_tables import LONGEST_ID
from gateway.errors import ClusterError
from gateway.http.doorway import Doorway
from gateway.hybrid.extensions import TRACES
from gateway.hybrid.server_socket import ServerSocket
from gateway.hybrid.server_tls import (
    ClusterIdentity,
    admits,
    load_identity,
    server_context,
)
from gateway.logs import get_logger
from gateway.plugins.opentelemetry.process_spans import NO_SPANS, ProcessSpans
from gateway.tasks import BackgroundTasks

OUTLET = "/v1/outlet"
_MAX_NAME = 255
_PER_NODE = 2
"""Connections for each data plane that one certificate may have: after a network failure the old
one stays for a while beside the new."""

_log = get_logger("gateway.control_plane.clustering")


class ClusterListener:
    """Listens for data planes and pushes configurations to all that are connected."""

    def __init__(
        self,
        identity: ClusterIdentity,
        data_planes: DataPlanes,
        max_payload: int,
        timing: Timing | None = None,
        extensions: NodeExtensions | None = None,
        spans: ProcessSpans = NO_SPANS,
    ) -> None:
        self._identity = identity
        self._context = server_context(identity)
        self._data_planes = data_planes
        self._max_payload = max_payload
        self._timing = timing or Timing()
        self._extensions = extensions
        self._spans = spans
        self._doorway = Doorway(
            self._context, self._protocol, self._timing.handshake, self._timing.close
        )
        self._connections = BackgroundTasks()
        """One for each connection whose certificate was accepted."""
        self._open: Counter[str] = Counter()
        """Open connections by certificate."""
        self._sessions: set[Session] = set()
        self._push: Push | None = None
        self._stopping = False

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """Accept data planes on sockets that listen already."""
        self._doorway.open(sockets)

    def reload(self, identity: ClusterIdentity) -> None:
        """Use a renewed certificate for connections from now on. Raises ``SettingsError``."""
        server_context(identity)  # tried out first: a context half changed serves no data plane
        load_identity(self._context, identity)
        self._identity = identity

    def push(self, push: Push | None, only: Container[str] | None = None) -> None:
        """Have a configuration sent to all data planes, also to those that connect later.

        ``only`` names those of the connected that it is sent to. None as configuration: there is
        none, so nothing is sent from now on.
        """
        self._push = push
        if push is not None:
            for session in self._sessions:
                if only is None or session.node.id in only:
                    session.offer(push)

    async def stop(self) -> None:
        """Stop accepting, close all sessions with a close frame, and wait until they are gone."""
        self._stopping = True
        self._doorway.close()
        closing = [session.close("control plane is stopping") for session in self._sessions]
        await asyncio.gather(*closing)
        await asyncio.gather(self._doorway.end(), self._connections.end())

    def _protocol(self) -> asyncio.Protocol:
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(), self._enter)

    def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.start(self._connected(reader, writer))

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ip = str((writer.get_extra_info("peername") or ("",))[0])
        try:
            await self._converse(reader, writer, ip)
        except (ClusterError, OSError) as error:
            if not self._stopping:
                _log.warning("data plane connection dropped", ip=ip, reason=str(error))
        except asyncio.CancelledError:
            pass  # stopping: nothing awaits this task's outcome
        except Exception:
            _log.exception("data plane connection failed", ip=ip)
        finally:
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ip: str
    ) -> None:
        tls = writer.get_extra_info("ssl_object")
        peer = tls.getpeercert(binary_form=True) or b""
        if not admits(self._identity, peer):
            raise ClusterError("the client certificate is not the cluster certificate")
        certificate = hashlib.sha256(peer).hexdigest()
        if self._open[certificate] >= _PER_NODE * self._data_planes.per_certificate:
            raise ClusterError("too many connections with this certificate are open")
        self._open[certificate] += 1
        try:
            wire = ServerSocket(reader, writer, self._max_payload)
            node = await self._introduced(wire, ip, _expiry(tls))
            if node is not None:
                node.certificate = certificate
                await self._serve(wire, node)
        finally:
            self._open[certificate] -= 1
            self._open += Counter()  # drops those at zero

    async def _introduced(
        self, wire: ServerSocket, ip: str, expires: int | None
    ) -> DataPlane | None:
        try:
            async with asyncio.timeout(self._timing.handshake):
                return await self._upgrade(wire, ip, expires)
        except TimeoutError:
            raise ClusterError("no upgrade request came in time") from None

    async def _serve(self, wire: ServerSocket, node: DataPlane) -> None:
        session = Session(
            wire, node, self._data_planes, self._timing, self._extensions, self._spans
        )
        if self._push is not None:
            session.offer(self._push)
        self._sessions.add(session)
        try:
            await session.run()
        finally:
            self._sessions.discard(session)

    async def _upgrade(self, wire: ServerSocket, ip: str, expires: int | None) -> DataPlane | None:
        """Respond to the upgrade request; None when it was refused."""
        request = await wire.request()
        target = urlsplit(request.target)
        if target.path != OUTLET:
            await wire.reject(404, f"only {OUTLET} is served here")
            return None
        query = {name: values[-1] for name, values in parse_qs(target.query).items()}
        for name, longest in (("node_id", LONGEST_ID), ("node_version", _MAX_NAME)):
            given = query.get(name, "")
            if not 0 < len(given) <= longest or not given.isprintable():
                await wire.reject(400, f"query argument {name} is missing, or too long")
                return None
        names = [] if self._extensions is None else [self._extensions.names]
        await wire.accept(", ".join([*names, *([TRACES] if self._spans.enabled else [])]))
        return DataPlane(
            id=query["node_id"],
            hostname=query.get("node_hostname", "")[:_MAX_NAME],
            ip=ip,
            version=query["node_version"],
            certificate_expires=expires,
        )


def _expiry(tls: Any) -> int | None:
    """Return when the peer's certificate expires, in seconds since 1970."""
    found = (tls.getpeercert() or {}).get("notAfter")
    return int(ssl.cert_time_to_seconds(found)) if found else None
