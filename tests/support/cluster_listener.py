# SPDX-License-Identifier: Apache-2.0
"""A cluster listener without the rest of a control plane, over real TLS."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from gateway.control_plane.clustering.data_planes import DataPlane, DataPlanes
from gateway.control_plane.clustering.listener import ClusterListener
from gateway.control_plane.clustering.push import Push, prepare
from gateway.control_plane.clustering.session import Timing
from gateway.documents.document import to_table
from gateway.hybrid.server_tls import ClusterIdentity
from tests.support.authority import Authority, Pair, client_context
from tests.support.documents import with_topic
from tests.support.peer import Peer, connected
from tests.support.waiting import PATIENCE

NAME = "control-plane.test"
AUTHORITY = Authority()
SERVER = AUTHORITY.issue(NAME, server=True)
CLIENT = AUTHORITY.issue("data-plane")
PKI = ClusterIdentity("pki", SERVER.certificate, SERVER.key, AUTHORITY.pem)
NODE = "5d0b1f0e-7f0d-4bd3-9c0c-0a8e4a3a2f11"
QUERY = {"node_id": NODE, "node_version": "3.10.0", "node_hostname": "node-a"}


def release(topic: str = "topictest") -> Push:
    """Return the story's configuration with this topic, ready to be sent."""
    return prepare(to_table(with_topic(topic), "stack-test", 1_700_000_000))


@dataclass
class World:
    """A listener and how to reach it."""

    listener: ClusterListener
    data_planes: DataPlanes
    port: int
    tls: ssl.SSLContext
    name: str

    def known(self, node: str = NODE) -> DataPlane:
        found = self.data_planes.get(node)
        assert found is not None
        return found

    def status(self) -> str:
        found = self.data_planes.get(NODE)
        return "unknown" if found is None else found.sync_status

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await self.data_planes.news()


@asynccontextmanager
async def world(
    identity: ClusterIdentity = PKI,
    client: Pair | None = CLIENT,
    timing: Timing | None = None,
    max_payload: int = 16 * 1024**2,
) -> AsyncIterator[World]:
    data_planes = DataPlanes()
    listener = ClusterListener(identity, data_planes, max_payload, timing)
    sock = socket.create_server(("127.0.0.1", 0))
    await listener.start([sock])
    name = NAME if identity.mtls == "pki" else "kong_clustering"
    tls = client_context(identity.authority, client)
    try:
        yield World(listener, data_planes, sock.getsockname()[1], tls, name)
    finally:
        await listener.stop()


@asynccontextmanager
async def joined(place: World, **details: Any) -> AsyncIterator[Peer]:
    async with connected(place.port, place.tls, place.name) as peer:
        await peer.join(NODE, **details)
        yield peer
