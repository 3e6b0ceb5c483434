# SPDX-License-Identifier: Apache-2.0
"""What a master does for a worker's store; what goes over the wire: worker/test_store_client."""

from __future__ import annotations

import socket

from gateway.data_plane.master.store_server import StoreServer
from gateway.data_plane.worker.store_client import StoreClient
from gateway.plugins.node_store import NodeStore


async def test_a_worker_without_a_socket_is_no_error() -> None:
    await StoreServer(NodeStore()).attach(None)


async def test_values_outlive_the_worker_that_put_them() -> None:
    server = StoreServer(NodeStore())
    for expected in (None, b"1"):
        ours, theirs = socket.socketpair()
        await server.attach(ours)
        client = await StoreClient.open(theirs)
        assert await client.get("k") == expected
        await client.put("k", b"1", 60)
        client.close()
