# SPDX-License-Identifier: Apache-2.0
"""Policies on a whole node: its workers know the same keys and count together."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.node import NodeProcess, running_node
from tests.support.traffic import Reply, get
from tests.support.waiting import eventually

GUARDED = """
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
    - name: rate-limiting
      config: {{year: {most}}}
- name: shared
  url: http://127.0.0.1:1
  retries: 0
  routes:
  - {{name: one, paths: [/one]}}
  - {{name: two, paths: [/two]}}
  plugins:
  - name: rate-limiting
    config: {{year: 3, limit_by: service}}
consumers:
- username: ann
  keyauth_credentials: [{{key: "{{vault://env/ANN}}"}}]
- username: bob
  keyauth_credentials: [{{key: of bob}}]
"""


@pytest.fixture
def node(tmp_path: Path) -> Iterator[NodeProcess]:
    (tmp_path / "kong.yml").write_text(GUARDED.format(most=20))
    (tmp_path / "vault.env").write_text("ANN=planted-secret\n")
    settings = {
        "KONG_DECLARATIVE_CONFIG": str(tmp_path / "kong.yml"),
        "KAFKA_GATEWAY_ENV_FILE": str(tmp_path / "vault.env"),
    }
    with running_node(tmp_path, **settings) as running:
        yield running.ready()


def asked(node: NodeProcess, key: str) -> Reply:
    """Ask on a connection of its own, which any worker may accept."""
    return get(node.proxy, "/guarded", {"apikey": key})


def test_workers_limit_a_consumer_together_over_crashes_and_releases(node: NodeProcess) -> None:
    assert get(node.proxy, "/guarded").status == 401
    passed = Counter(asked(node, "planted-secret").status for _ in range(15))
    assert passed == {502: 15}, "502: the service behind is closed"
    metrics = get(node.status, "/metrics")
    assert metrics.status == 200
    assert b"kong_http_requests_total" not in metrics.body, "no plugin counts requests"
    killed = node.workers()[0]
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: len(set(node.workers()) - {killed}) == 2)
    eventually(lambda: node.asked("/status/ready") == 200)
    (node.prefix.parent / "kong.yml").write_text(GUARDED.format(most=22))
    node.signal(signal.SIGHUP)
    eventually(lambda: "reloaded" in node.events())
    statuses = Counter(asked(node, "planted-secret").status for _ in range(12))
    assert statuses == {502: 7, 429: 5}
    assert asked(node, "of bob").status == 502
    assert "planted-secret" not in node.log.read_text()


def test_requests_of_all_routes_of_a_service_count_together(node: NodeProcess) -> None:
    found = [get(node.proxy, path) for path in ("/one", "/two", "/one", "/two", "/one")]
    assert [one.status for one in found] == [502, 502, 502, 429, 429]
    left = [one.headers["x-ratelimit-remaining-year"] for one in found]
    assert left == ["2", "1", "0", "0", "0"]
