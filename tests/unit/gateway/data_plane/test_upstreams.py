# SPDX-License-Identifier: Apache-2.0
"""Upstreams on a whole node: targets fail, are noticed by all workers, and come back."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tests.support.backend import Backend, backends
from tests.support.control_plane import cluster_settings, make, running
from tests.support.node import NodeProcess, running_node
from tests.support.traffic import get, steady
from tests.support.waiting import PATIENCE, eventually

ACTIVE = {
    "active": {
        "http_path": "/probe",
        "timeout": 5,
        "healthy": {"interval": 0.05, "successes": 1},
        "unhealthy": {"interval": 0.05, "tcp_failures": 1, "http_failures": 1, "timeouts": 1},
    }
}
PASSIVE = {
    "passive": {
        "healthy": {"successes": 1},
        "unhealthy": {"tcp_failures": 1, "http_failures": 2, "timeouts": 1},
    }
}


@contextmanager
def node_with(
    folder: Path, targets: Sequence[Backend], checks: dict[str, Any], **service: Any
) -> Iterator[NodeProcess]:
    """Run a node of two workers whose only service has these targets."""
    upstream = {
        "name": "pool.test",
        "healthchecks": checks,
        "targets": [{"target": f"127.0.0.1:{one.port}"} for one in targets],
    }
    document = {
        "_format_version": "3.0",
        "upstreams": [upstream],
        "services": [
            {
                "name": "s",
                "host": "pool.test",
                "routes": [{"name": "r", "paths": ["/"]}],
                **service,
            }
        ],
        "plugins": [{"name": "prometheus", "config": {"upstream_health_metrics": True}}],
    }
    file = folder / "kong.json"
    file.write_text(json.dumps(document))
    with running_node(folder, KONG_DECLARATIVE_CONFIG=str(file)) as node:
        yield node.ready()


def found(node: NodeProcess, number: int) -> Counter[str]:
    """Return who answered, each request on a connection of its own: all workers get some."""
    replies = [node.get("/x") for _ in range(number)]
    return Counter(
        reply.body.decode() if reply.status == 200 else str(reply.status) for reply in replies
    )


def health(node: NodeProcess) -> dict[str, str]:
    shown = node.json("/upstreams/pool.test/health")
    return {one["target"]: one["health"] for one in shown["data"]}


def is_now(node: NodeProcess, target: str, word: str) -> bool:
    return health(node)[target] == word


def post(node: NodeProcess, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", node.status, timeout=PATIENCE)
    try:
        connection.request("POST", path)
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_target_that_ends_gets_no_request_until_it_is_back(tmp_path: Path) -> None:
    with backends("one", "two") as (one, two), node_with(tmp_path, [one, two], ACTIVE) as node:
        name = f"127.0.0.1:{one.port}"
        assert set(found(node, 20)) == {"one", "two"}
        assert health(node)[name] == "HEALTHY"
        one.stop()
        eventually(lambda: health(node)[name] == "UNHEALTHY")
        eventually(lambda: found(node, 10) == {"two": 10})
        one.start()
        eventually(lambda: health(node)[name] == "HEALTHY")
        eventually(lambda: set(found(node, 20)) == {"one", "two"})
        # The node probes once for all its workers, and balances no probes.
        assert two.seen["/probe"] > 0
        assert "a target is unhealthy" in node.events()
        assert "a target is healthy" in node.events()


def test_one_that_responds_with_500_is_left_alone(tmp_path: Path) -> None:
    with backends("one", "two") as (one, two), node_with(tmp_path, [one, two], ACTIVE) as node:
        one.status = 500
        eventually(lambda: found(node, 10) == {"two": 10})
        one.status = 200
        eventually(lambda: set(found(node, 20)) == {"one", "two"})


def test_requests_open_the_circuit_and_a_hand_closes_it(tmp_path: Path) -> None:
    with backends("one", "two") as (one, two), node_with(tmp_path, [one, two], PASSIVE) as node:
        name = f"127.0.0.1:{one.port}"
        one.status = 500
        eventually(lambda: found(node, 10) == {"two": 10})
        eventually(lambda: health(node)[name] == "UNHEALTHY")
        one.status = 200
        # Nothing but requests tells of it, and it gets none.
        assert found(node, 10) == {"two": 10}
        assert post(node, f"/upstreams/pool.test/targets/{name}/healthy") == 204
        eventually(lambda: set(found(node, 20)) == {"one", "two"})
        assert post(node, f"/upstreams/pool.test/targets/{name}/{name}/unhealthy") == 204
        eventually(lambda: found(node, 10) == {"two": 10})


def test_a_slow_target_is_taken_out_by_its_timeouts(tmp_path: Path) -> None:
    with (
        backends("one", "two") as (one, two),
        # So long that the other, on a busy machine, is not taken out as well.
        node_with(tmp_path, [one, two], PASSIVE, read_timeout=1500) as node,
    ):
        one.held = threading.Event()
        eventually(lambda: found(node, 4) == {"two": 4})
        eventually(lambda: health(node)[f"127.0.0.1:{one.port}"] == "UNHEALTHY")


def test_without_a_healthy_target_it_is_a_503_and_workers_to_come_know_it(tmp_path: Path) -> None:
    with backends("one") as (one,), node_with(tmp_path, [one], PASSIVE) as node:
        one.stop()
        eventually(lambda: found(node, 10) == {"503": 10})
        body = json.loads(node.get("/x").body)
        assert body["message"] == "failure to get a peer from the ring-balancer"
        one.start()
        before = node.workers()
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: len(node.workers()) == 2 and not set(before) & set(node.workers()))
        eventually(lambda: node.json("/status")["workers"]["ready"] == 2)
        assert found(node, 10) == {"503": 10}


def test_metrics_show_each_target_in_its_state(tmp_path: Path) -> None:
    with backends("one", "two") as (one, two), node_with(tmp_path, [one, two], ACTIVE) as node:
        one.stop()
        name = f"127.0.0.1:{one.port}"
        eventually(lambda: health(node)[name] == "UNHEALTHY")
        text = get(node.status, "/metrics").body.decode()
        series = 'kong_upstream_target_health{upstream="pool.test",target="%s",address="%s",'
        for port, state in ((one.port, "unhealthy"), (two.port, "healthy")):
            place = f"127.0.0.1:{port}"
            for other in ("healthchecks_off", "healthy", "unhealthy", "dns_error"):
                line = series % (place, place) + f'state="{other}",subsystem="http"}} '
                assert f"{line}{int(other == state)}\n" in text


def test_the_status_api_shows_targets_and_the_balancer(tmp_path: Path) -> None:
    with backends("one") as (one,), node_with(tmp_path, [one], {}) as node:
        page = node.json("/upstreams/pool.test/health")
        assert set(page) == {"data", "next", "node_id"}
        (target,) = page["data"]
        assert target["health"] == "HEALTHCHECKS_OFF"
        assert target["data"] == {
            "host": "127.0.0.1",
            "port": one.port,
            "dns": "A",
            "nodeWeight": 100,
            "weight": {"total": 100, "available": 100, "unavailable": 0},
            "addresses": [
                {
                    "ip": "127.0.0.1",
                    "port": one.port,
                    "weight": 100,
                    "health": "HEALTHCHECKS_OFF",
                }
            ],
        }
        whole = node.json("/upstreams/pool.test/health?balancer_health=1")["data"]
        assert (whole["health"], whole["balancer_health"]) == ("HEALTHCHECKS_OFF", "HEALTHY")
        for path in ("targets", "targets/all"):
            (row,) = node.json(f"/upstreams/pool.test/{path}")["data"]
            assert row["target"] == f"127.0.0.1:{one.port}"
            assert row["upstream"] == {"id": target["upstream"]["id"]}
        assert node.json(f"/upstreams/pool.test/targets/{row['id']}") == row
        assert post(node, f"/upstreams/pool.test/targets/{row['id']}/healthy") == 400
        assert node.asked("/upstreams/other.test/health") == 404


async def test_targets_come_and_go_by_writes_on_the_control_plane(tmp_path: Path) -> None:
    with backends("one", "two", "three") as (one, two, three):
        async with running(tmp_path) as place:
            path = "/upstreams/pool.test/targets"
            await make(place, "/upstreams", name="pool.test", healthchecks=PASSIVE)
            await make(place, "/services", name="s", host="pool.test")
            await make(place, "/services/s/routes", name="r", paths=["/"])
            for backend in (one, two):
                await make(place, path, target=f"127.0.0.1:{backend.port}")
            settings = cluster_settings(place.port("cluster"), tmp_path)
            with running_node(tmp_path, **settings) as node:

                def served(*names: str) -> None:
                    eventually(lambda: set(found(node, 20)) == set(names))

                await asyncio.to_thread(node.ready)
                await asyncio.to_thread(served, "one", "two")
                one.status = 500
                await asyncio.to_thread(served, "two")
                one.status = 200
                # What is known of a target stays with it when others come and go.
                await make(place, path, target=f"127.0.0.1:{three.port}")
                await asyncio.to_thread(served, "two", "three")
                await place.ask("DELETE", f"{path}/127.0.0.1:{two.port}")
                await asyncio.to_thread(served, "three")
                await place.ask("PATCH", f"{path}/127.0.0.1:{three.port}", {"weight": 0})
                await asyncio.to_thread(served, "503")
                await place.ask("PATCH", f"{path}/127.0.0.1:{three.port}", {"weight": 7})
                await asyncio.to_thread(served, "three")


def test_no_request_fails_while_targets_end_and_come_back(tmp_path: Path) -> None:
    checks = {**ACTIVE, **PASSIVE}
    with backends("one", "two", "three") as targets, node_with(tmp_path, targets, checks) as node:
        with steady(node.proxy, "/x") as traffic:
            for backend in targets:
                name = f"127.0.0.1:{backend.port}"
                backend.stop()
                eventually(partial(is_now, node, name, "UNHEALTHY"))
                backend.start()
                eventually(partial(is_now, node, name, "HEALTHY"))
            before = traffic.sent
            eventually(lambda: traffic.sent > before + 20)
        assert set(traffic.statuses) == {200}
        assert traffic.broken == []
