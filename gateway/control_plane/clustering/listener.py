# SPDX-License-Identifier: Apache-2.0
"""The cluster listener: mutual TLS, the upgrade, and the sessions of all connected data planes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Container, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from gateway.control_plane.clustering.data_planes import DataPlane, DataPlanes
from gateway.control_plane.clustering.push import Push
from gateway.control_plane.clustering.session import Session, Timing
from gateway.control_plane.clustering.tls import (
    ClusterIdentity,
    admits,
    load_identity,
    server_context,
)
from gateway.control_plane.clustering.wire import Wire
from gateway.errors import ClusterError
from gateway.logs import get_logger

OUTLET = "/v1/outlet"
_MAX_NAME = 255

_log = get_logger("gateway.control_plane.clustering")


class ClusterListener:
    """Listens for data planes and pushes configurations to all that are connected."""

    def __init__(
        self,
        identity: ClusterIdentity,
        data_planes: DataPlanes,
        max_payload: int,
        timing: Timing | None = None,
    ) -> None:
        self._identity = identity
        self._context = server_context(identity)
        self._data_planes = data_planes
        self._max_payload = max_payload
        self._timing = timing or Timing()
        self._servers: list[asyncio.Server] = []
        self._connections: set[asyncio.Task[None]] = set()
        self._sessions: set[Session] = set()
        self._push: Push | None = None
        self._stopping = False

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """Accept data planes on sockets that listen already."""
        for sock in sockets:
            server = await asyncio.start_server(
                self._connected,
                sock=sock,
                ssl=self._context,
                ssl_handshake_timeout=self._timing.handshake,
                ssl_shutdown_timeout=self._timing.close,
            )
            self._servers.append(server)

    def reload(self, identity: ClusterIdentity) -> None:
        """Use a renewed certificate for connections from now on. Raises ``SettingsError``."""
        server_context(identity)  # tried out first: a context half changed serves nobody
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
        for server in self._servers:
            server.close()
        closing = [session.close("control plane is stopping") for session in self._sessions]
        await asyncio.gather(*closing)
        connections = list(self._connections)
        for connection in connections:
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        ip = str((writer.get_extra_info("peername") or ("",))[0])
        try:
            await self._converse(reader, writer, ip)
        except (ClusterError, OSError) as error:
            if not self._stopping:
                _log.warning("data plane connection dropped", ip=ip, reason=str(error))
        except asyncio.CancelledError:
            pass  # stopping: nobody waits for this task's outcome
        except Exception:
            _log.exception("data plane connection failed", ip=ip)
        finally:
            self._connections.discard(task)
            writer.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _converse(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ip: str
    ) -> None:
        tls = writer.get_extra_info("ssl_object")
        if not admits(self._identity, tls.getpeercert(binary_form=True) or b""):
            raise ClusterError("the client certificate is not the cluster certificate")
        wire = Wire(reader, writer, self._max_payload)
        try:
            async with asyncio.timeout(self._timing.handshake):
                node = await self._upgrade(wire, ip, _expiry(tls))
        except TimeoutError:
            raise ClusterError("no upgrade request came in time") from None
        if node is None:
            return
        session = Session(wire, node, self._data_planes, self._timing)
        if self._push is not None:
            session.offer(self._push)
        self._sessions.add(session)
        try:
            await session.run()
        finally:
            self._sessions.discard(session)

    async def _upgrade(self, wire: Wire, ip: str, expires: int | None) -> DataPlane | None:
        """Answer the upgrade request; None when it was refused."""
        request = await wire.request()
        target = urlsplit(request.target)
        if target.path != OUTLET:
            await wire.reject(404, f"only {OUTLET} is served here")
            return None
        query = {name: values[-1] for name, values in parse_qs(target.query).items()}
        for name in ("node_id", "node_version"):
            if not 0 < len(query.get(name, "")) <= _MAX_NAME:
                await wire.reject(400, f"query argument {name} is missing")
                return None
        await wire.accept()
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
