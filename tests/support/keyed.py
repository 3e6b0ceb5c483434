# SPDX-License-Identifier: Apache-2.0
"""Requests under an idempotency key through a chain of the plugin and something that counts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from gateway.http.messages import Pending, Request, Response
from gateway.plugins.base import PluginContext
from gateway.plugins.chain import Chain
from gateway.plugins.idempotency.handler import Idempotency
from gateway.plugins.idempotency.schema import Config
from tests.support.producing import request


class Counted:
    """What runs behind the plugin: responds when told to, with what it is told."""

    def __init__(self, *responses: Callable[[], Response], held: bool = False) -> None:
        self.runs = 0
        self.waiting: list[Pending] = []
        self._responses = responses or (lambda: Response(200, [(b"X-Run", b"1")], b"done"),)
        self._held = held

    def __call__(self, _: Request) -> Response | Pending:
        make = self._responses[min(self.runs, len(self._responses) - 1)]
        self.runs += 1
        if not self._held:
            return make()
        self.waiting.append(Pending())
        return self.waiting[-1]

    def respond(self, status: int = 200, body: bytes = b"done") -> None:
        """Respond to the request that waits."""
        self.waiting.pop(0).resolve(Response(status, [], body))


def chain_of(behind: Counted, context: PluginContext | None = None, **config: Any) -> Chain:
    """Return a chain of the plugin and what runs behind it."""
    made = context or PluginContext(producers=None, certificate=lambda _: None)  # type: ignore[arg-type]  # no producer is used
    return Chain([Idempotency(Config(**config), made)], behind)


def keyed(
    key: str | None = "k-1",
    body: bytes = b"{}",
    headers: Sequence[tuple[str, str]] = (),
    route: str = "r",
    **more: Any,
) -> Request:
    """Return a POST with a key; None: without one."""
    given = [*headers, ("idempotency-key", key)] if key is not None else list(headers)
    made = request("/orders", "POST", given, body, **more)
    made.match = SimpleNamespace(route={"id": route}, service=None)
    return made


async def ask(chain: Chain, asked: Request) -> Response:
    """Run one request to its response."""
    found = chain.run(asked)
    return await found if isinstance(found, Pending) else found


def start(chain: Chain, asked: Request) -> asyncio.Task[Response]:
    """Begin a request without waiting for its response."""
    return asyncio.ensure_future(ask(chain, asked))
