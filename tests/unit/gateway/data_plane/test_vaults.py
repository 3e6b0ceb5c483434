# SPDX-License-Identifier: Apache-2.0
"""Secrets of vaults on a whole node: fetched by the master, used by workers, changed under load."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.fake_hashicorp_vault import FakeVault, running_vault
from tests.support.node import NodeProcess, running_node
from tests.support.traffic import get
from tests.support.waiting import eventually

FILE = """
_format_version: "3.0"
services:
- name: closed
  url: http://127.0.0.1:1
  retries: 0
  routes:
  - name: guarded
    paths: [/guarded]
    plugins:
    - name: key-auth
consumers:
- username: ann
  keyauth_credentials: [{{key: "{{vault://team/keys/ann?ttl=0.2}}"}}]
- username: bob
  keyauth_credentials: [{{key: "{{vault://file/keys/bob}}"}}]
vaults:
- prefix: team
  name: hcv
  config:
    port: {port}
    kv: v2
    token: "{{vault://env/VAULT_TOKEN}}"
"""


@pytest.fixture
def vault() -> Iterator[FakeVault]:
    with running_vault() as running:
        running.put("keys", ann="ann-first")
        running.allow("vault-token-secret")
        yield running


@pytest.fixture
def node(tmp_path: Path, vault: FakeVault) -> Iterator[NodeProcess]:
    (tmp_path / "kong.yml").write_text(FILE.format(port=vault.port))
    (tmp_path / "secrets" / "keys").mkdir(parents=True)
    (tmp_path / "secrets" / "keys" / "bob").write_text("bob-first\n")
    settings = {
        "KONG_DECLARATIVE_CONFIG": str(tmp_path / "kong.yml"),
        "KONG_VAULT_FILE_ROOT": str(tmp_path / "secrets"),
        "KONG_VAULT_FILE_TTL": "0.2",
        "KAFKA_GATEWAY_VAULT_FOLDERS": str(tmp_path / "secrets"),
        "VAULT_TOKEN": "vault-token-secret",
    }
    with running_node(tmp_path, **settings) as running:
        yield running


def asked(node: NodeProcess, key: str) -> int:
    return get(node.proxy, "/guarded", {"apikey": key}).status


def node_says(node: NodeProcess) -> bytes:
    return get(node.status, "/status/ready").body


def is_known(node: NodeProcess, key: str) -> bool:
    """Ask often enough that every worker is among those asked; 502: the service is closed."""
    return all(asked(node, key) == 502 for _ in range(8))


def test_a_changed_secret_is_used_without_a_restart_and_without_a_lost_request(
    node: NodeProcess, vault: FakeVault
) -> None:
    node.ready()
    assert is_known(node, "ann-first")
    assert is_known(node, "bob-first")
    workers, statuses, done = node.workers(), set(), threading.Event()

    def ask_on() -> None:
        while not done.is_set():
            statuses.add(asked(node, "bob-first"))

    client = threading.Thread(target=ask_on)
    client.start()
    try:
        vault.put("keys", ann="ann-second")
        eventually(lambda: is_known(node, "ann-second"))
        vault.stop()
        eventually(lambda: "secrets renewed" in node.events())
        assert is_known(node, "ann-second")
    finally:
        done.set()
        client.join()
    assert statuses == {502}
    assert asked(node, "ann-first") == 401
    (node.prefix.parent / "secrets" / "keys" / "bob").write_text("bob-second")
    eventually(lambda: is_known(node, "bob-second"))
    assert node.workers() == workers
    written = node.log.read_text()
    for secret in ("ann-first", "ann-second", "bob-second", "vault-token-secret"):
        assert secret not in written
    for file in node.prefix.rglob("*"):
        if file.is_file():
            assert b"ann-second" not in file.read_bytes()


def test_a_node_that_starts_before_its_vault_waits_for_it(
    node: NodeProcess, vault: FakeVault
) -> None:
    vault.stop()
    node.stop()
    node.start()
    reason = b"vault reference {vault://team/keys/ann?ttl=0.2} does not resolve: "

    def waits() -> bool:
        return node.asked("/status/ready") == 503 and reason in node_says(node)

    eventually(waits)
    assert b"Connection refused" in node_says(node)
    vault.start()
    node.ready()
    assert is_known(node, "ann-first")


def test_a_signal_has_secrets_fetched_at_once(node: NodeProcess, vault: FakeVault) -> None:
    node.ready()
    file = node.prefix.parent / "kong.yml"
    file.write_text(file.read_text().replace("?ttl=0.2", ""))
    node.signal(signal.SIGHUP)
    eventually(lambda: "reloaded" in node.events())
    reads = vault.reads()
    vault.put("keys", ann="ann-second")
    node.signal(signal.SIGHUP)
    eventually(lambda: is_known(node, "ann-second"))
    assert vault.reads() == reads + 1
