# SPDX-License-Identifier: Apache-2.0
"""A control plane as a process of its own, which can be stopped and killed."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import aiohttp

from tests.support.control_plane import settings_values
from tests.support.ports import free_ports
from tests.support.waiting import PATIENCE

PROGRAM = """
import json, sys
from gateway.control_plane.server import run_control_plane
from gateway.settings.settings import Settings
run_control_plane(Settings.from_values(json.loads(sys.argv[1])))
"""


@contextmanager
def process(
    values: dict[str, str], log: Path = Path(os.devnull)
) -> Iterator[subprocess.Popen[bytes]]:
    """Run one with these settings. ``log`` is a file: a pipe that nobody reads would stop it."""
    command = [sys.executable, "-c", PROGRAM, json.dumps(values)]
    with log.open("wb") as written:
        started = subprocess.Popen(command, stderr=written)
    try:
        yield started
    finally:
        if started.poll() is None:
            started.kill()
        started.wait(PATIENCE)


def values_with_ports(prefix: Path) -> tuple[dict[str, str], list[int]]:
    ports = free_ports(3)
    names = ("admin_listen", "cluster_listen", "status_listen")
    listens = {name: f"127.0.0.1:{port}" for name, port in zip(names, ports, strict=True)}
    return {**settings_values(prefix), **listens}, ports


async def until_ready(port: int) -> None:
    async with aiohttp.ClientSession() as session, asyncio.timeout(PATIENCE):
        while True:
            with suppress(aiohttp.ClientError):
                async with session.get(f"http://127.0.0.1:{port}/status/ready") as reply:
                    if reply.status == 200:
                        return
            await asyncio.sleep(0.05)
