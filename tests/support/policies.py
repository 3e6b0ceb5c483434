# SPDX-License-Identifier: Apache-2.0
"""A gateway with plugins on one route, over real sockets, before a scripted upstream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import orjson

from gateway.data_plane.counters import Counters
from gateway.data_plane.worker.application import GatewayApplication
from gateway.data_plane.worker.compile import compile_configuration
from gateway.data_plane.worker.snapshot import Snapshot, WorkerResources
from gateway.entities import ENTITIES
from gateway.entities.validation import validate
from gateway.kafka.pool import ProducerPool
from gateway.proxy.proxy import Proxy
from tests.support.http import ReceivedResponse, Running, serving
from tests.support.releases import number, table
from tests.support.requests import route_row
from tests.support.upstream import Script, answering, ok, upstream


class PolicyGateway:
    """What a test does with the gateway; ``seen`` is what the upstream got: heads and bodies."""

    def __init__(self, running: Running, seen: list[tuple[bytes, bytes]], port: int) -> None:
        self.running = running
        self.seen = seen
        self.upstream_port = port

    async def ask(
        self,
        target: str = "/",
        *lines: str,
        method: str = "GET",
        body: bytes = b"",
        host: str = "client.test",
    ) -> ReceivedResponse:
        """Send one request on a connection of its own; ``lines`` are header lines."""
        head = [f"{method} {target} HTTP/1.1", f"Host: {host}", *lines]
        if body:
            head.append(f"Content-Length: {len(body)}")
        data = "\r\n".join(head).encode() + b"\r\n\r\n" + body
        wire = await self.running.connect()
        try:
            return await wire.ask(data, bodyless=method == "HEAD")
        finally:
            await wire.close()

    @property
    def line(self) -> str:
        """The request line that the upstream got last."""
        return self.seen[-1][0].decode("latin-1").partition("\r\n")[0]

    @property
    def raw(self) -> list[str]:
        """The header lines that the upstream got last."""
        return self.seen[-1][0].decode("latin-1").split("\r\n")[1:-2]

    def header(self, name: str) -> list[str]:
        """Return the values of a header that the upstream got last."""
        pairs = [line.partition(": ") for line in self.raw]
        return [value for found, _, value in pairs if found.lower() == name.lower()]

    @property
    def body(self) -> bytes:
        """The body that the upstream got last."""
        return self.seen[-1][1]

    @property
    def json(self) -> Any:
        """The same, as JSON."""
        return orjson.loads(self.body)


@asynccontextmanager
async def policy_gateway(
    *plugins: tuple[str, Mapping[str, Any]],
    script: Script | None = None,
    route: Mapping[str, Any] | None = None,
    service: bool = True,
    rows: Iterable[Mapping[str, Any]] = (),
    collections: Mapping[str, list[dict[str, Any]]] | None = None,
    **resources: Any,
) -> AsyncIterator[PolicyGateway]:
    """Serve one route with the plugins; ``rows`` are plugin rows of other scopes."""
    seen: list[tuple[bytes, bytes]] = []
    async with upstream(script or answering(ok(), seen)) as origin:
        found = {
            "id": number("s"), "name": "s", "host": "127.0.0.1", "port": origin.port,
            "protocol": "http", "retries": 0, "path": None,
        }  # fmt: skip
        own = route_row(**{"paths": ["/"], **(route or {})})
        own |= {"id": number("r"), "name": "r", "service": found["id"] if service else None}
        scope = {"route": None, "service": None, "consumer": None, "enabled": True}
        made = [
            {"id": number(f"{place}"), "name": name, "config": dict(config), **scope}
            for place, (name, config) in enumerate(plugins)
        ]
        content = table(
            routes=[own],
            services=[found],
            plugins=[*made, *({**scope, **row} for row in rows)],
            **(collections or {}),
        )
        async with gateway_of(content, seen, origin.port, **resources) as gateway:
            yield gateway


@asynccontextmanager
async def gateway_of(
    content: bytes,
    seen: list[tuple[bytes, bytes]] | None = None,
    port: int = 0,
    *,
    secrets: Mapping[str, str] | None = None,
    **resources: Any,
) -> AsyncIterator[PolicyGateway]:
    """Serve a table; ``seen`` and ``port`` are those of the upstream that the test knows.

    ``secrets``: what vault references of the environment resolve to.
    """
    loop = asyncio.get_running_loop()
    proxy = Proxy(loop)
    worker = WorkerResources(Counters(), ProducerPool(loop), proxy=proxy)
    worker = replace(worker, **resources)
    compiled = compile_configuration(content, "h" * 32, secrets or {})
    snapshot = await Snapshot.build(compiled, Snapshot.empty(), worker)
    application = GatewayApplication(worker.counters)
    application.serve(snapshot)
    try:
        async with serving(application) as running:
            yield PolicyGateway(running, [] if seen is None else seen, port)
    finally:
        snapshot.discard(Snapshot.empty())
        proxy.close()
        await asyncio.sleep(0)


def checked(name: str, **config: Any) -> dict[str, Any]:
    """Return a plugin's settings with their defaults; raises ``SchemaViolation``."""
    found: dict[str, Any] = validate(ENTITIES["plugins"], {"name": name, "config": config})
    return found["config"]  # type: ignore[no-any-return]  # a row's value
