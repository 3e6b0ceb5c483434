# SPDX-License-Identifier: Apache-2.0
"""A stand-in for a schema registry: there is none here. Answers what Confluent's does for reads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web


@dataclass
class FakeRegistry:
    """Schemas by subject, the versions in order; ``asked``: the requests, oldest first."""

    url: str = ""
    subjects: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    asked: list[web.Request] = field(default_factory=list)
    tokens: list[Mapping[str, Any]] = field(default_factory=list)
    """The forms of token requests, with their ``headers``."""
    allowed: Callable[[web.Request], bool] = lambda request: True
    broken: int = 0
    """A status that every request for a schema is answered with; 0: none."""
    body: bytes | None = None
    """What every request for a schema is answered with."""

    def register(
        self,
        subject: str,
        schema: Any,
        kind: str = "AVRO",
        references: Sequence[tuple[str, str, int]] = (),
    ) -> int:
        """Add a version; return the schema's id. References: name, subject and version."""
        number = sum(map(len, self.subjects.values())) + 1
        version: dict[str, Any] = {"id": number, "subject": subject}
        version["schema"] = orjson.dumps(schema).decode()
        if kind != "AVRO":
            version["schemaType"] = kind
        if references:
            names = ("name", "subject", "version")
            version["references"] = [dict(zip(names, one, strict=True)) for one in references]
        self.subjects.setdefault(subject, []).append(version)
        return number

    async def schema(self, request: web.Request) -> web.Response:
        """GET /subjects/{subject}/versions/{version}."""
        self.asked.append(request)
        if self.broken:
            return web.json_response({"error_code": 50001}, status=self.broken)
        if self.body is not None:
            return web.Response(body=self.body)
        if not self.allowed(request):
            return web.json_response({"error_code": 40101}, status=401)
        versions = self.subjects.get(request.match_info["subject"], [])
        wanted = request.match_info["version"]
        number = len(versions) if wanted == "latest" else int(wanted)
        if not 1 <= number <= len(versions):
            body = {"error_code": 40401, "message": "Subject not found."}
            return web.json_response(body, status=404)
        return web.json_response(versions[number - 1] | {"version": number})

    async def token(self, request: web.Request) -> web.Response:
        """POST /token."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.tokens.append({**form, "headers": request.headers.copy()})
        body = {"access_token": f"token-{len(self.tokens)}", "expires_in": 300}
        return web.json_response(body)


@asynccontextmanager
async def registry() -> AsyncIterator[FakeRegistry]:
    """Run one on the loopback interface."""
    fake = FakeRegistry()
    application = web.Application()
    application.router.add_get("/subjects/{subject}/versions/{version}", fake.schema)
    application.router.add_post("/token", fake.token)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield fake
    finally:
        await runner.cleanup()
