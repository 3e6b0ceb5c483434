# SPDX-License-Identifier: Apache-2.0
"""A worker process without a master: what it does for each command."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from gateway.data_plane.channel import Command
from gateway.data_plane.master.spawn import spawn_worker
from gateway.data_plane.master.worker_process import WorkerProcess
from tests.support.http import until
from tests.support.ports import free_ports
from tests.support.releases import route, table

WITHIN = 30.0


@asynccontextmanager
async def worker(folder: Path, **settings: str) -> AsyncIterator[tuple[WorkerProcess, int]]:
    """Run a worker that has its settings; give it and the port that it is to listen on."""
    (port,) = free_ports(1)
    made = WorkerProcess(0, spawn_worker(0), lambda _: None)
    init = {"values": {"prefix": str(folder), "log_level": "error", **settings}}
    try:
        await made.connect()
        made.tell(Command.INIT, {**init, "certificate": None, "trusted": None})
        yield made, port
    finally:
        made.tell(Command.DRAIN, {"seconds": 1.0})
        await asyncio.wait_for(made.exited.wait(), WITHIN)


async def prepare(made: WorkerProcess, content: bytes, **environment: str) -> dict[str, Any]:
    data = {"hash": "h" * 32, "environment": environment}
    return (await made.ask(Command.PREPARE, data, content, WITHIN)).data


async def status(port: int, path: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET %b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % path)
    head = await asyncio.wait_for(reader.read(), WITHIN)
    writer.close()
    return head.split(b" ")[1]


async def test_a_release_serves_from_its_commit_on_and_is_counted(tmp_path: Path) -> None:
    async with worker(tmp_path) as (made, port):
        addresses = {"addresses": f"127.0.0.1:{port}"}
        response = await made.ask(Command.LISTEN, addresses, within=WITHIN)
        assert response.data["ok"]
        assert "kafka-upstream" in response.data["plugins"]
        assert (await prepare(made, table(routes=[route("a")])))["ok"]
        assert await status(port, b"/a") == b"404"
        await made.ask(Command.COMMIT)
        assert await status(port, b"/a") == b"503"
        await made.ask(Command.STATS)
        assert made.stats is not None
        assert made.stats["counters"]["accepted"] == 2


async def test_a_release_that_cannot_be_compiled_is_refused_with_reasons(tmp_path: Path) -> None:
    async with worker(tmp_path, plugins="off") as (made, _):
        row = {"id": "p", "name": "key-auth", "enabled": True, "config": {}}
        refused = await prepare(made, table(plugins=[row]))
        assert refused["errors"] == [
            'plugin "key-auth" is not enabled on this node; name it in KONG_PLUGINS'
        ]
        broken = await prepare(made, b"no table")
        assert "the release cannot be compiled: JSONDecodeError" in broken["errors"][0]


async def test_a_discarded_release_does_not_serve(tmp_path: Path) -> None:
    async with worker(tmp_path) as (made, port):
        await made.ask(Command.LISTEN, {"addresses": f"127.0.0.1:{port}"}, within=WITHIN)
        assert (await prepare(made, table(routes=[route("a")])))["ok"]
        made.tell(Command.DISCARD)
        await made.ask(Command.COMMIT)
        assert await status(port, b"/a") == b"404"


async def test_a_taken_address_is_a_response(tmp_path: Path) -> None:
    async with worker(tmp_path) as (made, port):
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", port)
        response = await made.ask(Command.LISTEN, {"addresses": f"127.0.0.1:{port}"}, within=WITHIN)
        server.close()
        assert not response.data["ok"]
        assert "in use" in response.data["error"]


async def test_its_stack_is_written_on_a_signal(tmp_path: Path) -> None:
    async with worker(tmp_path) as (made, _):
        assert (await prepare(made, table()))["ok"]
        trace = made.trace
        made.send(signal.SIGUSR1)
        await until(lambda: b"worker/__main__.py" in os.pread(trace, 65536, 0), WITHIN)


async def test_a_crash_says_in_which_calls(tmp_path: Path) -> None:
    async with worker(tmp_path) as (made, _):
        assert (await prepare(made, table()))["ok"]
        made.send(signal.SIGSEGV)
        await asyncio.wait_for(made.exited.wait(), WITHIN)
        assert made.code == -signal.SIGSEGV
        assert made.fatal.startswith("Segmentation fault in ")
        assert ".py:" in made.fatal


async def test_settings_that_make_no_worker_end_it(tmp_path: Path) -> None:
    async with worker(tmp_path, proxy_access_log=str(tmp_path / "none" / "log")) as (made, _):
        await asyncio.wait_for(made.exited.wait(), WITHIN)
        assert made.code == 0
