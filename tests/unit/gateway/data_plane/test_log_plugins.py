# SPDX-License-Identifier: Apache-2.0
"""Plugins that log, in a node of two workers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.support.json_lines import lines_of
from tests.support.node import NodeProcess, running_node
from tests.support.ports import free_ports
from tests.support.traffic import get
from tests.support.waiting import eventually

_REQUESTS = 40
_ROOM = 5


def configuration(folder: Path) -> str:
    (nobody,) = free_ports(1)
    queue = {"max_entries": _ROOM, "max_retry_time": -1}
    plugins: list[dict[str, Any]] = [
        {"name": "file-log", "config": {"path": str(folder / "requests.log")}},
        {
            "name": "http-log",
            "config": {"http_endpoint": f"http://127.0.0.1:{nobody}/", "queue": queue},
        },
        {"name": "request-termination", "config": {"status_code": 200}},
    ]
    service = {"name": "s", "url": "http://127.0.0.1:1", "routes": [{"name": "r", "paths": ["/a"]}]}
    path = folder / "kong.json"
    path.write_text(
        json.dumps({"_format_version": "3.0", "services": [service], "plugins": plugins})
    )
    return str(path)


def counted(node: NodeProcess) -> dict[str, float]:
    """Return the counts of log entries by plugin and reason."""
    text = get(node.status, "/metrics").body.decode()
    return {
        "/".join(sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("kafka_gateway_log_entries")
    }


def entries(folder: Path) -> list[dict[str, Any]]:
    return lines_of(folder / "requests.log")


def test_a_node_logs_what_all_its_workers_serve_and_counts_what_it_cannot_deliver(
    tmp_path: Path,
) -> None:
    settings = {"KONG_DECLARATIVE_CONFIG": configuration(tmp_path)}
    with running_node(tmp_path, **settings) as node:
        node.ready()
        statuses = {get(node.proxy, f"/a/{place}").status for place in range(_REQUESTS)}
        assert statuses == {200}
        assert get(node.proxy, "/nowhere").status == 404
        eventually(lambda: len(entries(tmp_path)) == _REQUESTS + 1)

        def all_counted() -> bool:
            found = counted(node)
            waiting = _REQUESTS + 1 - found.get("http-log/queue_full", 0)
            return found.get("file-log") == _REQUESTS + 1 and waiting <= 2 * _ROOM

        eventually(all_counted)
        get(node.proxy, "/a/last")
        assert node.stop() == 0
    found = entries(tmp_path)
    uris = {entry["request"]["uri"] for entry in found}
    assert uris == {*(f"/a/{place}" for place in range(_REQUESTS)), "/nowhere", "/a/last"}
    assert [entry["request"]["uri"] for entry in found if "route" not in entry] == ["/nowhere"]
    full = [event for event in node.events() if event.startswith("queue full, dropping")]
    assert 1 <= len(full) <= 2
    assert "log entries lost: the queue was closed" in node.events()
