# SPDX-License-Identifier: Apache-2.0
"""Plugins before an echo, on a real socket: what passes comes back with the headers it has."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.data_plane.counters import Counters
from gateway.data_plane.worker.application import GatewayApplication
from gateway.http.tls import Certificates
from tests.support.authority import Authority
from tests.support.http import ReceivedResponse, Running, Wire, serving
from tests.support.releases import (
    compiled,
    compiled_configuration,
    number,
    plugin_row,
    route,
    table,
    worker_resources,
)

SERVERS = Authority("servers")
_SERVER = SERVERS.issue("gate.test", server=True)


@dataclass
class Answer:
    """A response; ``request`` is what passed, as an upstream would get it: None when refused."""

    status: int
    headers: dict[str, str]
    body: Any
    request: dict[str, Any] | None

    @property
    def message(self) -> str:
        """The message of a refusal."""
        return str(self.body["message"])

    def header(self, name: str) -> str | None:
        """A header of what passed; None when it is not there."""
        assert self.request is not None, self
        found = self.request["headers"].get(name)
        return None if found is None else str(found)


class Gate:
    """A client of the running gateway: a connection for each question."""

    def __init__(self, running: Running) -> None:
        self._running = running

    async def ask(
        self,
        target: str = "/gate",
        headers: Mapping[str, str | bytes] | Sequence[tuple[str, str | bytes]] | None = None,
        *,
        method: str = "GET",
        body: bytes = b"",
        tls: ssl.SSLContext | None = None,
    ) -> Answer:
        """Send a request and read the response."""
        wire: Wire = await self._running.connect(tls, "gate.test")
        pairs = list(headers.items()) if isinstance(headers, Mapping) else headers or []
        lines = [f"{method} {target} HTTP/1.1".encode(), b"Host: gate.test"]
        lines += [
            name.encode() + b": " + (value if isinstance(value, bytes) else value.encode())
            for name, value in pairs
        ]
        if body:
            lines.append(b"Content-Length: %d" % len(body))
        try:
            return _answer(await wire.ask(b"\r\n".join([*lines, b"", body])))
        finally:
            await wire.close()


def _answer(received: ReceivedResponse) -> Answer:
    try:
        body = orjson.loads(received.body)
    except ValueError:
        body = received.body
    passed = body.get("request") if isinstance(body, dict) else None
    return Answer(received.status, received.headers, body, passed)


@asynccontextmanager
async def gate(
    plugins: Mapping[str, Mapping[str, Any]],
    *,
    tls: bool = False,
    of_consumers: Mapping[str, Mapping[str, Mapping[str, Any]]] | None = None,
    **collections: Any,
) -> AsyncIterator[Gate]:
    """Serve plugins by name and configuration before an echo, which responds with 200.

    ``of_consumers`` are further plugins, by the consumer that they are limited to.
    """
    rows = [plugin_row(name, of="gate", **config) for name, config in plugins.items()]
    for consumer, limited in (of_consumers or {}).items():
        for name, config in limited.items():
            row = plugin_row(name, of="gate", **config)
            rows.append({**row, "id": number(f"{consumer}/{name}"), "consumer": number(consumer)})
    rows.append(plugin_row("request-termination", of="gate", echo=True, status_code=200))
    content = table(routes=[route("gate")], plugins=rows, **collections)
    application = GatewayApplication(Counters())
    resources = worker_resources()
    application.serve(await compiled(content, resources=resources))
    context = None
    if tls:
        certificates = Certificates((_SERVER.certificate, _SERVER.key))
        requests = compiled_configuration(content).certificate_requests
        certificates.swap(certificates.prepare([], [], requests))
        context = certificates.context
    try:
        async with serving(application, tls=context) as running:
            yield Gate(running)
    finally:
        await resources.redis.close()
        await resources.http.close()


def consumers(*names: str) -> list[dict[str, Any]]:
    """Return rows of consumers with these user names."""
    return [{"id": number(name), "username": name, "custom_id": None} for name in names]


def credential(consumer: str, **fields: Any) -> dict[str, Any]:
    """Return a row that belongs to a consumer; its id follows from the rest."""
    own = number(f"{consumer} {sorted(fields.items(), key=str)}")
    return {"id": own, "consumer": number(consumer), "created_at": 0, **fields}
