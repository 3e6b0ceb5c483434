# SPDX-License-Identifier: Apache-2.0
"""Writes as decK makes them: PUTs under ids of its own, level by level, ten at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from tests.support.control_plane import Place, Reply

PARALLEL = 10
"""decK's default."""

Write = tuple[str, dict[str, Any]]
"""Path and body of a PUT."""


def entity_id(name: str) -> str:
    """Return the id of a name."""
    return str(uuid5(NAMESPACE_URL, name))


def guarded_routes(count: int, services: int = 3, port: int = 1) -> list[list[Write]]:
    """Return the levels of a sync of routes ``/r0``, ``/r1``, … with key-auth each."""
    hosts = [
        {"id": entity_id(f"service {n}"), "name": f"s{n}", "host": "127.0.0.1", "port": port}
        for n in range(services)
    ]
    routes: list[dict[str, Any]] = []
    plugins: list[dict[str, Any]] = []
    for n in range(count):
        route = {"id": entity_id(f"route {n}"), "name": f"r{n}", "paths": [f"/r{n}"]}
        routes.append({**route, "service": {"id": hosts[n % services]["id"]}})
        plugin = {"id": entity_id(f"plugin {n}"), "name": "key-auth", "config": {}}
        plugins.append({**plugin, "route": {"id": route["id"]}, "enabled": True})
    levels = {"services": hosts, "routes": routes, "plugins": plugins}
    return [[(f"/{name}/{row['id']}", row) for row in rows] for name, rows in levels.items()]


async def sync(
    place: Place, levels: Iterable[Iterable[Write]], headers: Mapping[str, str] | None = None
) -> list[Reply]:
    """Make all writes; return the responses."""
    gate = asyncio.Semaphore(PARALLEL)
    replies: list[Reply] = []

    async def put(path: str, body: dict[str, Any]) -> None:
        async with gate:
            replies.append(await place.ask("PUT", path, body, headers=dict(headers or {})))

    for level in levels:
        await asyncio.gather(*[put(path, body) for path, body in level])
    return replies
