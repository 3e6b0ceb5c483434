# SPDX-License-Identifier: Apache-2.0
"""A whole node as processes, with a declarative file, and with an unreachable control plane."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import pytest

from gateway.data_plane.master.cache import ConfigCache
from gateway.documents.document import to_table
from gateway.hybrid.config_hash import config_hash
from gateway.hybrid.config_table import config_table
from gateway.hybrid.frame import reconfigure_payload
from tests.support.authority import shared_pair
from tests.support.node import NodeProcess, running_node
from tests.support.processes import alive
from tests.support.traffic import get, steady
from tests.support.waiting import PATIENCE, eventually

ROUTES = """
_format_version: "3.0"
services:
- name: closed
  url: http://127.0.0.1:1
  retries: 0
  routes:
  - name: {name}
    paths: [/{name}]
"""
SECRET = """
_format_version: "3.0"
plugins:
- name: kafka-upstream
  config:
    topic: orders
    bootstrap_servers: [{{host: 127.0.0.1, port: 1}}]
    authentication:
      strategy: sasl
      mechanism: PLAIN
      user: someone
      password: "{{vault://env/{reference}}}"
"""
DOCUMENT = {"services": {"s": {"url": "http://127.0.0.1:1", "routes": {"r": {"paths": ["/a"]}}}}}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    """A node with a declarative file; tests leave it ready, with two workers."""
    folder = Path(tmp_path_factory.mktemp("node"))
    (folder / "kong.yml").write_text(ROUTES.format(name="a"))
    (folder / "vault.env").write_text("PASSWORD=planted-secret\n")
    (folder / "kong.conf").write_text("")
    settings = {
        "KONG_DECLARATIVE_CONFIG": str(folder / "kong.yml"),
        "KAFKA_GATEWAY_ENV_FILE": str(folder / "vault.env"),
        "KAFKA_GATEWAY_DRAIN_TIMEOUT": "3s",
    }
    with running_node(folder, "--conf", str(folder / "kong.conf"), **settings) as running:
        yield running.ready()


def routes(node: NodeProcess) -> Path:
    return node.prefix.parent / "kong.yml"


def reload(node: NodeProcess, event: str) -> None:
    """Send SIGHUP and wait for its outcome in the log."""
    before = node.events().count(event)
    node.signal(signal.SIGHUP)
    eventually(lambda: node.events().count(event) > before)


def test_a_declarative_file_is_served(node: NodeProcess) -> None:
    assert node.get("/none").body == b'{"message":"no Route matched with those values"}'
    assert node.get("/a").status == 502
    assert node.json("/status")["workers"] == {"total": 2, "ready": 2}
    assert len(node.json("/status")["configuration_hash"]) == 32


def test_requests_of_all_workers_are_counted(node: NodeProcess) -> None:
    def counted() -> int:
        return int(node.json("/status")["server"]["total_requests"])

    before = counted()
    for _ in range(20):
        node.get("/none")
    assert counted() == before + 20
    assert b'code="404"' in get(node.status, "/metrics").body


def test_a_killed_worker_breaks_only_its_own_connections_and_comes_back(node: NodeProcess) -> None:
    first, second = node.workers()
    with steady(node.proxy, "/none") as traffic:
        eventually(lambda: traffic.sent > 20)
        os.kill(first, signal.SIGKILL)
        eventually(lambda: len(node.workers()) == 2 and first not in node.workers())
        node.ready()
        seen = traffic.sent
        eventually(lambda: traffic.sent > seen + 20)
    assert set(traffic.statuses) == {404}
    assert len(traffic.broken) <= 1, traffic.broken
    assert second in node.workers()
    assert b"kafka_gateway_worker_restarts_total 1" in get(node.status, "/metrics").body


def test_a_stuck_worker_does_not_hang_the_status_api(node: NodeProcess) -> None:
    stuck = node.workers()[0]
    os.kill(stuck, signal.SIGSTOP)
    try:
        started = time.monotonic()
        assert get(node.status, "/metrics").status == 200
        assert time.monotonic() - started < 10
    finally:
        os.kill(stuck, signal.SIGCONT)


def test_a_reload_takes_over_a_changed_file_and_no_request_fails(node: NodeProcess) -> None:
    workers = node.workers()
    with steady(node.proxy, "/a") as traffic:
        eventually(lambda: traffic.sent > 5)
        routes(node).write_text(ROUTES.format(name="a") + "  - {name: b, paths: [/b]}\n")
        reload(node, "reloaded")
        assert node.get("/b").status == 502
    assert set(traffic.statuses) == {502}
    assert not traffic.broken
    assert node.workers() == workers


def test_a_reload_with_mistakes_changes_nothing(node: NodeProcess) -> None:
    before = node.json("/status")["configuration_hash"]
    routes(node).write_text("services: [nonsense")
    reload(node, "reload refused, the old values stay")
    routes(node).write_text(SECRET.format(reference="NO_SUCH"))
    reload(node, "reload refused, the old values stay")
    assert "{vault://env/NO_SUCH}" in node.log.read_text()
    assert node.get("/a").status == 502
    assert node.json("/status")["configuration_hash"] == before
    assert node.json("/status/ready") == {"message": "ready"}


def test_a_reload_reads_vault_values_again(node: NodeProcess) -> None:
    values = node.prefix.parent / "vault.env"
    routes(node).write_text(SECRET.format(reference="LATER"))
    reload(node, "reload refused, the old values stay")
    values.write_text(values.read_text() + "LATER=planted-secret\n")
    reload(node, "configuration applied")
    routes(node).write_text(ROUTES.format(name="a"))
    reload(node, "configuration applied")


def test_changed_settings_bring_new_workers_and_no_request_fails(node: NodeProcess) -> None:
    conf = node.prefix.parent / "kong.conf"
    before = node.workers()
    with steady(node.proxy, "/none") as traffic:
        eventually(lambda: traffic.sent > 5)
        conf.write_text("headers = off\ncluster_server_name = other\n")
        reload(node, "reloaded")
        assert "settings that need a restart have changed" in node.events()
        assert not set(before) & set(node.workers())
        assert "server" not in node.get("/none").headers
    assert set(traffic.statuses) == {404}
    assert len(traffic.broken) <= 1, traffic.broken


def test_no_secret_stands_in_arguments_or_logs(node: NodeProcess) -> None:
    for pid in (node.process.pid, *node.workers()):
        assert b"planted" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    assert "planted" not in node.log.read_text()


def test_workers_stay_small(node: NodeProcess) -> None:
    for name, size in node.json("/status")["memory"].items():
        assert name in ("workers_lua_vms", "lua_shared_dicts"), size
    for pid in node.workers():
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        assert pages * os.sysconf("SC_PAGE_SIZE") < 90 * 1024**2


def test_a_stop_finishes_what_is_under_way(tmp_path: Path) -> None:
    file = tmp_path / "kong.yml"
    file.write_text(ROUTES.format(name="a"))
    with running_node(tmp_path, KONG_DECLARATIVE_CONFIG=str(file)) as node:
        node.ready()
        with closing(connect(node)) as connection, closing(connect(node)) as idle:
            # The rest of the body comes only after the stop has begun.
            connection.putrequest("POST", "/none")
            connection.putheader("Content-Length", "2")
            connection.endheaders(b"a")
            idle.request("GET", "/none")
            assert idle.getresponse().read()
            node.signal(signal.SIGTERM)
            eventually(lambda: "stopping" in node.events())
            connection.send(b"b")
            assert connection.getresponse().status == 404
        assert node.process.wait(timeout=PATIENCE) == 0
        assert node.asked("/none", node.proxy) == 0


def connect(node: NodeProcess) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", node.proxy, timeout=PATIENCE)


def test_workers_end_when_their_master_was_killed_and_the_next_one_starts(tmp_path: Path) -> None:
    file = tmp_path / "kong.yml"
    file.write_text(ROUTES.format(name="a"))
    with running_node(tmp_path, KONG_DECLARATIVE_CONFIG=str(file)) as node:
        node.ready()
        workers = node.workers()
        node.process.kill()
        node.process.wait()
        node.start().ready()
        eventually(lambda: not any(alive(pid) for pid in workers))
        assert node.stop() == 0


def test_a_taken_port_is_an_error_with_its_setting(node: NodeProcess, tmp_path: Path) -> None:
    environment = {**node.environment, "KONG_PREFIX": str(tmp_path)}
    outcome = run(environment)
    assert outcome.returncode == 1
    assert f"KONG_PROXY_LISTEN: cannot listen on 127.0.0.1:{node.proxy}" in outcome.stderr
    environment["KONG_PROXY_LISTEN"] = "127.0.0.1:0"
    outcome = run(environment)
    assert outcome.returncode == 1
    assert f"KONG_STATUS_LISTEN: cannot listen on 127.0.0.1:{node.status}" in outcome.stderr


def run(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gateway.cli", "run"]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def data_plane(tmp_path: Path, key: str = "") -> dict[str, str]:
    """Return the settings of a data plane whose control plane is unreachable."""
    pair = shared_pair()
    certificate, private = pair.write(tmp_path, "cluster")
    if key:
        private.write_text(key)
    return {
        "KONG_ROLE": "data_plane",
        "KONG_CLUSTER_CONTROL_PLANE": "127.0.0.1:1",
        "KONG_CLUSTER_CERT": str(certificate),
        "KONG_CLUSTER_CERT_KEY": str(private),
    }


def cached(tmp_path: Path, document: Mapping[str, object], key: str) -> str:
    """Write a cache as an earlier run would have; return the hash in it."""
    table = config_table(to_table(document, "tests", 1))
    (tmp_path / "prefix").mkdir(mode=0o700)
    ConfigCache(tmp_path / "prefix" / "config.cache", key).save(reconfigure_payload(table))
    return config_hash(table)[0]


def test_without_its_control_plane_a_node_serves_what_it_has_cached(tmp_path: Path) -> None:
    settings = data_plane(tmp_path)
    key = (tmp_path / "cluster.key").read_text()
    digest = cached(tmp_path, DOCUMENT, key)
    with running_node(tmp_path, **settings) as node:
        node.ready()
        assert node.get("/a").status == 502
        assert node.json("/status")["configuration_hash"] == digest
        assert b"kafka_gateway_control_plane_connected 0" in get(node.status, "/metrics").body


def test_a_fresh_node_without_its_control_plane_has_no_routes_and_is_not_ready(
    tmp_path: Path,
) -> None:
    with running_node(tmp_path, **data_plane(tmp_path)) as node:
        eventually(lambda: node.asked("/a", node.proxy) == 404)
        reply = get(node.status, "/status/ready")
        assert reply.status == 503
        assert b"(configuration hash is not initialized)" in reply.body
        assert node.json("/status")["configuration_hash"] == "0" * 32


def test_a_damaged_cache_is_logged_and_not_used(tmp_path: Path) -> None:
    settings = data_plane(tmp_path)
    cached(tmp_path, DOCUMENT, (tmp_path / "cluster.key").read_text())
    file = tmp_path / "prefix" / "config.cache"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with running_node(tmp_path, **settings) as node:
        eventually(lambda: node.asked("/a", node.proxy) == 404)
        assert node.asked("/status/ready") == 503
        assert "config.cache: damaged" in node.log.read_text()


def test_a_cached_release_without_its_secrets_waits_for_them(tmp_path: Path) -> None:
    config = {
        "topic": "orders",
        "bootstrap_servers": [{"host": "127.0.0.1", "port": 1}],
        "authentication": {"user": "{vault://env/THE_USER}", "password": "x"},
    }
    routes = {"r": {"paths": ["/a"], "plugins": {"kafka-upstream": {"config": config}}}}
    settings = data_plane(tmp_path)
    key = (tmp_path / "cluster.key").read_text()
    digest = cached(tmp_path, {"routes": routes}, key)
    values = tmp_path / "vault.env"
    values.write_text("")
    settings["KAFKA_GATEWAY_ENV_FILE"] = str(values)
    with running_node(tmp_path, **settings) as node:
        eventually(lambda: b"{vault://env/THE_USER}" in get_or_nothing(node))
        assert node.asked("/a", node.proxy) == 404
        values.write_text("THE_USER=someone\n")
        reload(node, "configuration applied")
        node.ready()
        assert node.json("/status")["configuration_hash"] == digest


def test_a_replaced_cluster_key_takes_the_cache_along(tmp_path: Path) -> None:
    settings = data_plane(tmp_path)
    digest = cached(tmp_path, DOCUMENT, (tmp_path / "cluster.key").read_text())
    with running_node(tmp_path, **settings) as node:
        node.ready()
        shared_pair().write(tmp_path, "cluster")
        reload(node, "reloaded")
        assert node.stop() == 0
        node.start().ready()
        assert node.json("/status")["configuration_hash"] == digest


def get_or_nothing(node: NodeProcess) -> bytes:
    try:
        return get(node.status, "/status/ready").body
    except OSError:
        return b""
