# SPDX-License-Identifier: Apache-2.0
"""``python -m bench.fleet [data planes [routes]]``: one control plane and a thousand data planes.

The control plane is a process of its own; the data planes are its protocol's other side, over real
TLS, in this process, so that both share the machine. Prints the control plane's memory with nobody
and with all of them connected, how long that took, and how long publishing calls took until every
data plane had confirmed. Fails when the slowest of them took more than five seconds.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
import uvloop

from bench.processes import resident_bytes
from gateway.open_files import allow_open_files
from tests.support.authority import client_context
from tests.support.control_plane import NAME, certificates
from tests.support.control_plane_process import process, until_ready, values_with_ports
from tests.support.fleet import LightDataPlane

_DATA_PLANES, _ROUTES = 1000, 500
_TARGET = 5.0
"""Seconds."""
_PUBLISHES = 5
_PAUSE = 0.005
"""Seconds between two data planes that begin to connect."""
_LONGEST = 120.0


def main(arguments: list[str]) -> int:
    """Run it; return an exit code."""
    given = [int(text) for text in arguments]
    count, routes = [*given, *(_DATA_PLANES, _ROUTES)[len(given) :]]
    allow_open_files(2 * count + 1000)
    with tempfile.TemporaryDirectory() as folder:
        values, (admin, cluster, status) = values_with_ports(Path(folder))
        # Nobody reads what it logs.
        values |= {"cluster_nodes_per_certificate": str(count), "log_level": "crit"}
        with process(values) as started:
            return uvloop.run(_measure(started.pid, (admin, cluster, status), count, routes))


async def _measure(pid: int, ports: tuple[int, int, int], count: int, routes: int) -> int:
    admin, cluster, status = ports
    await until_ready(status)
    slowest = 0.0
    async with aiohttp.ClientSession(f"http://127.0.0.1:{admin}") as session:
        await _publish(session, routes, 0)
        print(f"{_resident(pid):7.1f} MiB with nobody, {routes} routes", flush=True)
        planes = await _connected(session, cluster, count)
        print(f"{_resident(pid):7.1f} MiB with {count} data planes", flush=True)
        for number in range(1, _PUBLISHES + 1):
            took = await _publish(session, routes, number)
            slowest = max(slowest, took)
            print(f"{took:7.2f} s until {count} data planes had confirmed", flush=True)
        print(f"{_resident(pid):7.1f} MiB at the end", flush=True)
        await asyncio.gather(*(one.stop() for one in planes))
    return int(slowest > _TARGET)


async def _connected(session: aiohttp.ClientSession, port: int, count: int) -> list[LightDataPlane]:
    authority, _, client = certificates()
    tls = client_context(authority.pem, client)
    async with session.get("/releases?size=1") as reply:
        digest = (await reply.json())["data"][0]["hash"]
    started = time.monotonic()
    planes = [LightDataPlane(port, tls, NAME) for _ in range(count)]
    for one in planes:
        one.start()
        await asyncio.sleep(_PAUSE)
    async with asyncio.timeout(_LONGEST):
        await asyncio.gather(*(one.serves(digest) for one in planes))
    print(f"{time.monotonic() - started:7.2f} s until {count} had connected and served", flush=True)
    return planes


async def _publish(session: aiohttp.ClientSession, routes: int, number: int) -> float:
    """Publish a configuration and wait for all; return the seconds that the call took."""
    started = time.monotonic()
    body = {"owner": "bench", "document": _document(routes, number), "wait": _LONGEST}
    async with session.post("/releases", json=body) as reply:
        answered = await reply.json()
    took = time.monotonic() - started
    assert reply.status == 201, answered
    missing = [one for one in answered["data_planes"] if one["status"] != "confirmed"]
    assert not missing, missing[:3]
    return took


def _document(routes: int, number: int) -> dict[str, Any]:
    plugin = {"correlation-id": {"config": {"header_name": f"X-Release-{number}"}}}
    found = {f"r{place}": {"paths": [f"/r{place}"], "plugins": plugin} for place in range(routes)}
    return {"services": {"s": {"host": "upstream.test", "routes": found}}}


def _resident(pid: int) -> float:
    return resident_bytes(pid) / 2**20


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
