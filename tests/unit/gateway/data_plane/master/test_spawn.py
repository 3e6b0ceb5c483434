# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.data_plane.master.spawn import Spawned, spawn_worker
from gateway.entities.plugin_types import plugin_types
from tests.support.node import running_node
from tests.support.processes import children_of, command_of
from tests.support.waiting import PATIENCE, eventually

NEVER = (
    "aiohttp",
    "alembic",
    "attr",
    "boto3",
    "botocore",
    "cryptography",
    "fastavro",
    "google",
    "grpc",
    "jinja2",
    "jsonschema_rs",
    "opentelemetry",
    "psycopg",
    "redis",
    "rich",
    "sqlalchemy",
    "starlette",
    "typer",
    "wsproto",
    "yaml",
    "yarl",
    "gateway.control_plane",
    "gateway.commands",
    "gateway.data_plane.master.master",
)
"""What a worker loads when a configuration asks for it, or never."""

FORK = """
import json, os, sys
from gateway.data_plane.master import spawn
(spawned,) = spawn.fork_workers(1)
print(json.dumps([spawned.process.pid, sorted(sys.modules), len(os.listdir("/proc/self/task"))]))
sys.stdout.flush()
sys.stdin.read()
spawned.end.close()
spawned.store.close()
sys.exit(spawned.process.wait())
"""


def end(spawned: Spawned) -> int:
    spawned.end.close()
    assert spawned.store is not None
    spawned.store.close()
    code = spawned.process.wait(timeout=PATIENCE)
    os.close(spawned.trace)
    return code


def test_a_worker_starts_with_numbers_alone_and_ends_with_its_master() -> None:
    spawned = spawn_worker(3)
    try:
        arguments = eventually(
            lambda: command_of(spawned.process.pid).partition("gateway.data_plane.worker ")[2]
        )
        assert all(word.isdigit() for word in arguments.split())
        assert arguments.split()[-1] == "3"
    finally:
        assert end(spawned) == 0


@pytest.fixture(scope="module")
def forked() -> tuple[set[str], int, int]:
    """Fork a worker from a process of its own: loaded modules, threads, the worker's exit code."""
    process = subprocess.Popen(
        [sys.executable, "-c", FORK], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    pid, loaded, threads = json.loads(process.stdout.readline())
    assert children_of(process.pid) == [pid]
    process.communicate("")
    return set(loaded), threads, process.returncode


def test_workers_are_forked_before_there_is_a_thread_and_end_in_good_order(
    forked: tuple[set[str], int, int],
) -> None:
    _, threads, code = forked
    assert (threads, code) == (1, 0)


def test_workers_share_what_all_of_them_load(forked: tuple[set[str], int, int]) -> None:
    types = {f"gateway.plugins.{name.replace('-', '_')}" for name in plugin_types()}
    assert types <= forked[0]
    handlers = {name for name in forked[0] if name.endswith(".handler")}
    assert handlers == {"gateway.plugins.kafka_upstream.handler", "gateway.plugins.produce.handler"}
    # Those of all plugins were a fifth of a start; a configuration uses a few.
    schemas = {name for name in forked[0] if name.endswith(".schema")}
    assert schemas == {"gateway.plugins.kafka_upstream.schema"}


@pytest.mark.parametrize("name", NEVER)
def test_what_few_workers_need_is_not_loaded_at_their_start(
    forked: tuple[set[str], int, int], name: str
) -> None:
    loaded = {module for module in forked[0] if f"{module}.".startswith(f"{name}.")}
    assert loaded == set()


def test_the_workers_of_a_start_share_what_they_have_loaded(tmp_path: Path) -> None:
    routes = tmp_path / "kong.yaml"
    routes.write_text('{"_format_version": "3.0", "services": [{"name": "a", "host": "a.test"}]}')
    with running_node(tmp_path, KONG_DECLARATIVE_CONFIG=str(routes)) as node:
        node.ready()
        workers = node.workers()
        assert len(workers) == 2
        for pid in workers:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
            kibibytes = {line.split(":")[0]: int(line.split()[-2]) for line in lines}
            # The target of a worker is 45 MB; what it has for itself is well below.
            assert kibibytes["Pss"] * 1024 < 45_000_000
            assert kibibytes["Private_Dirty"] < 0.8 * kibibytes["Anonymous"]
            # Neither the master's ends nor those of the other worker.
            inherited = [os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir()]
            assert sum("kafka-gateway-trace" in name for name in inherited) == 1
        assert node.stop() == 0
