# SPDX-License-Identifier: Apache-2.0
"""Clients of a node that come back by TLS, whichever worker they reach."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
from pathlib import Path

from tests.support.node import NodeProcess
from tests.support.traffic import get
from tests.support.waiting import PATIENCE, eventually

_REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def connect(
    context: ssl.SSLContext, port: int, session: ssl.SSLSession | None = None
) -> tuple[ssl.SSLSession | None, bool]:
    """Make a request; return the client's session, and whether the one given was taken up."""
    with (
        socket.create_connection(("127.0.0.1", port), PATIENCE) as plain,
        context.wrap_socket(plain, session=session) as client,
    ):
        client.sendall(_REQUEST)
        while client.recv(4096):
            pass
        return client.session, bool(client.session_reused)


def all_serve(node: NodeProcess) -> bool:
    metrics = get(node.status, "/metrics").body.decode()
    return "kafka_gateway_workers_ready 2" in metrics


def test_a_session_is_taken_up_by_all_workers_and_by_those_started_anew(tmp_path: Path) -> None:
    document = tmp_path / "kong.json"
    route = {"name": "some", "paths": ["/some"]}
    document.write_text(json.dumps({"_format_version": "3.0", "routes": [route]}))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    node = NodeProcess(tmp_path, {"KONG_DECLARATIVE_CONFIG": str(document)})
    node.environment["KONG_PROXY_LISTEN"] = f"127.0.0.1:{node.proxy_tls} ssl"
    try:
        node.start().ready()
        eventually(lambda: all_serve(node))
        session, _ = connect(context, node.proxy_tls)
        assert session is not None
        # The system chooses the worker by the client's port: 30 times the same has chance 2e-9.
        assert all(connect(context, node.proxy_tls, session)[1] for _ in range(30))
        before = node.workers()
        os.kill(before[0], signal.SIGKILL)
        eventually(lambda: before[0] not in node.workers() and all_serve(node))
        assert all(connect(context, node.proxy_tls, session)[1] for _ in range(30))
    finally:
        node.end()
