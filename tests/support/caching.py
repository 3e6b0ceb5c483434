# SPDX-License-Identifier: Apache-2.0
"""A chain of a cache and an upstream that counts, on a clock that a test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.http.messages import Pending, Request, Response
from gateway.plugins.base import Handler, PluginContext
from gateway.plugins.chain import Chain
from gateway.plugins.node_store import LocalStore, NodeStore
from gateway.plugins.proxy_cache import handler as module
from gateway.plugins.proxy_cache.handler import ProxyCache
from gateway.plugins.proxy_cache.schema import Config
from tests.support.producing import request

ROUTE = "aaaaaaaa-0000-4000-8000-000000000001"
CONSUMER = "bbbbbbbb-0000-4000-8000-000000000002"


class Origin:
    """The upstream: what it responds next stands in its attributes; ``asked`` counts."""

    def __init__(self) -> None:
        self.asked = 0
        self.status = 200
        self.headers: list[tuple[str, str]] = [("Content-Type", "application/json")]
        self.body: bytes | AsyncIterator[bytes] = b"{}"

    def __call__(self, _: Request) -> Response:
        self.asked += 1
        pairs = [(name.encode(), value.encode()) for name, value in self.headers]
        return Response(self.status, pairs, self.body, generated=False)

    def says(self, **headers: str) -> Origin:
        """Have it send a header; underscores stand for hyphens."""
        self.headers += [(name.replace("_", "-"), value) for name, value in headers.items()]
        return self


class Cached:
    """One plugin, one origin, one clock."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        kind: type[Handler] = ProxyCache,
        config: Any = None,
        store: Any = None,
        **fields: Any,
    ) -> None:
        self.now = 1_000_000.0
        self.origin = Origin()
        monkeypatch.setattr(module, "time", lambda: self.now)
        self.nodes = NodeStore(clock=lambda: self.now)
        context = PluginContext(
            producers=None,  # type: ignore[arg-type]  # none is used
            certificate=lambda _: None,
            plugin_id="plugin",
            store=store or LocalStore(self.nodes),
        )
        chosen = config or Config(**{"strategy": "memory", **fields})
        self.context, self.handler = context, kind(chosen, context)
        self.chain = Chain([self.handler], self.origin)

    async def close(self) -> None:
        """Close what the plugin holds."""
        self.handler.close()
        await self.context.redis.close()

    async def ask(
        self,
        target: str = "/get",
        method: str = "GET",
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
        **more: Any,
    ) -> tuple[str | None, Response]:
        """Return what the cache says of itself, and the response with its whole body."""
        asked = request(target, method, headers, body)
        path = asked.path
        asked.match = SimpleNamespace(route={"id": ROUTE}, service={}, upstream_path=path)
        asked.host = b"gw"
        for name, value in more.items():
            setattr(asked, name, value)
        found = self.chain.run(asked)
        response = await found if isinstance(found, Pending) else found
        if not isinstance(response.body, bytes):
            response.body = b"".join([piece async for piece in response.body])  # type: ignore[union-attr]  # a stream
        status = header(response, "X-Cache-Status")
        if asked.response_lines:
            status = asked.response_lines.decode().rpartition(": ")[2]
        return status, response

    async def statuses(self, *arguments: Any, times: int = 2, **more: Any) -> list[str | None]:
        """Ask so many times; return what the cache says of itself each time."""
        return [(await self.ask(*arguments, **more))[0] for _ in range(times)]


def header(response: Response, name: str) -> str | None:
    """Return a response header, or None."""
    found = [value for key, value in response.headers if key.lower() == name.lower().encode()]
    return found[0].decode() if found else None
