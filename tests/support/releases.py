# SPDX-License-Identifier: Apache-2.0
"""Small configurations as workers get them, and snapshots of them."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import orjson

from gateway.data_plane.counters import Counters
from gateway.data_plane.worker.compile import CompiledConfiguration, compile_configuration
from gateway.data_plane.worker.snapshot import Snapshot, WorkerResources
from gateway.kafka.pool import ProducerPool
from tests.support.requests import route_row


def number(name: str) -> str:
    """Return the id of a name."""
    return str(uuid5(NAMESPACE_URL, name))


def plugin_row(name: str, *, of: str | None = None, **config: Any) -> dict[str, Any]:
    """Return a plugin's row; ``of`` names the route it is limited to."""
    row: dict[str, Any] = {"id": number(f"{of}/{name}"), "name": name, "enabled": True}
    scope = {"route": None if of is None else number(of), "service": None, "consumer": None}
    return {**row, **scope, "config": config}


def route(name: str, service: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return a route's row with the path ``/name``."""
    row = route_row(paths=[f"/{name}"], **fields)
    reference = None if service is None else number(service)
    return {**row, "id": number(name), "name": name, "service": reference}


def table(**collections: list[dict[str, Any]]) -> bytes:
    """Return a table as it is sent to workers."""
    return orjson.dumps({"_format_version": "3.0", "_transform": False, **collections})


def compiled_configuration(
    content: bytes, environment: dict[str, str] | None = None
) -> CompiledConfiguration:
    """Read a table."""
    return compile_configuration(content, "h" * 32, environment or {})


def worker_resources() -> WorkerResources:
    """Return resources without upstreams; call it on a running loop."""
    return WorkerResources(Counters(), ProducerPool(asyncio.get_running_loop()))


async def compiled(
    content: bytes, previous: Snapshot | None = None, resources: WorkerResources | None = None
) -> Snapshot:
    """Compile a table."""
    found = compiled_configuration(content)
    return await Snapshot.build(
        found, previous or Snapshot.empty(), resources or worker_resources()
    )
