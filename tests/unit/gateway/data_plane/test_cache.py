# SPDX-License-Identifier: Apache-2.0
"""The cache on a whole node: all its workers have one, and its status API removes from it."""

from __future__ import annotations

import http.client
import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from tests.support.node import NodeProcess, running_node
from tests.support.traffic import get
from tests.support.valkey import running_valkey
from tests.support.waiting import PATIENCE, eventually

HOST = {"Host": "gw"}


class Upstream(http.server.BaseHTTPRequestHandler):
    """Responds with how often it was asked."""

    asked = 0

    def do_GET(self) -> None:
        """Count."""
        type(self).asked += 1
        body = b"%d" % type(self).asked
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def upstream() -> Iterator[int]:
    """Give the port of a running upstream."""
    Upstream.asked = 0
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def caching(folder: Path, port: int, plugin: dict[str, Any]) -> Iterator[NodeProcess]:
    """Give a node that caches what the upstream responds."""
    route = {"name": "cached", "paths": ["/cached"], "plugins": [plugin]}
    service = {"name": "up", "url": f"http://127.0.0.1:{port}", "routes": [route]}
    text = orjson.dumps({"_format_version": "3.0", "services": [service]})
    (folder / "kong.json").write_bytes(text)
    settings = {"KONG_DECLARATIVE_CONFIG": str(folder / "kong.json")}
    with running_node(folder, **settings) as node:
        yield node.ready()


def delete(node: NodeProcess, path: str, headers: dict[str, str] | None = None) -> int:
    """Ask the status API to remove something."""
    connection = http.client.HTTPConnection("127.0.0.1", node.status, timeout=PATIENCE)
    try:
        connection.request("DELETE", path, headers=headers or {})
        return connection.getresponse().status
    finally:
        connection.close()


def test_workers_share_what_is_kept_and_the_status_api_removes_it(tmp_path: Path) -> None:
    plugin = {"name": "proxy-cache", "config": {"strategy": "memory"}}
    with upstream() as port, caching(tmp_path, port, plugin) as node:
        first = get(node.proxy, "/cached")
        assert (first.status, first.headers["x-cache-status"]) == (200, "Miss")

        def shared() -> bytes:
            # A response is kept once it has been sent: until then others may miss it, and have
            # one kept in its place.
            again = [get(node.proxy, "/cached") for _ in range(20)]
            bodies = {one.body for one in again}
            hits = {one.headers["x-cache-status"] for one in again} == {"Hit"}
            return bodies.pop() if hits and len(bodies) == 1 else b""

        kept = eventually(shared)
        key = first.headers["x-cache-key"]
        assert node.json(f"/proxy-cache/{key}")["body"] == kept.decode()
        assert delete(node, "/proxy-cache", {"Kong-Admin-Token": "wrong"}) == 403
        assert delete(node, "/proxy-cache") == 204
        after = get(node.proxy, "/cached")
        assert (after.headers["x-cache-status"], after.body != kept) == ("Miss", True)
        eventually(lambda: delete(node, f"/proxy-cache/{key}") == 204)
        assert get(node.proxy, "/cached").headers["x-cache-status"] == "Miss"


def test_nodes_share_what_is_kept_in_redis_and_either_removes_it(tmp_path: Path) -> None:
    with upstream() as port, running_valkey(tmp_path) as valkey:
        redis = {"host": "127.0.0.1", "port": valkey.port}
        plugin = {"name": "proxy-cache-advanced", "config": {"strategy": "redis", "redis": redis}}
        (tmp_path / "a").mkdir()
        (tmp_path / "b").mkdir()
        with (
            caching(tmp_path / "a", port, plugin) as one,
            caching(tmp_path / "b", port, plugin) as other,
        ):
            assert get(one.proxy, "/cached", HOST).headers["x-cache-status"] == "Miss"
            # A response is kept behind its client's back.
            eventually(lambda: valkey.ask("DBSIZE"))
            again = get(other.proxy, "/cached", HOST)
            assert (again.headers["x-cache-status"], again.body) == ("Hit", b"1")
            key = again.headers["x-cache-key"]
            assert delete(other, f"/proxy-cache-advanced/{key}") == 204
            assert delete(one, f"/proxy-cache-advanced/{key}") == 404
            assert get(one.proxy, "/cached", HOST).body == b"2"
            eventually(lambda: valkey.ask("DBSIZE"))
            assert delete(one, "/proxy-cache-advanced") == 204
            assert get(other.proxy, "/cached", HOST).headers["x-cache-status"] == "Miss"
