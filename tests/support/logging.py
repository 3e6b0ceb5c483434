# SPDX-License-Identifier: Apache-2.0
"""Requests that were responded to, and a queue's time that tests move."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

from gateway.http.messages import Request, Response
from gateway.plugins.logging.queue import QueueClock
from tests.support.broker import Authority
from tests.support.releases import number
from tests.support.requests import StandInConnection, request_of, route_row
from tests.support.waiting import PATIENCE

ROUTE = route_row(service=None, paths=["/a"], name="r")
SERVICE = {"id": number("s"), "name": "s", "host": "upstream.test", "port": 80, "path": None}


class MatchedRoute:
    """What a request knows of its route."""

    data: Any = None
    path = b"/a"
    prefix = None
    upstream_path = b"/up/a"

    def __init__(self, *, service: bool = True) -> None:
        self.route = {**ROUTE, "service": SERVICE if service else None}
        self.service = SERVICE if service else None


def responded(
    target: bytes = b"/a?x=1",
    *headers: tuple[bytes, bytes],
    matched: bool = True,
    connection: StandInConnection | None = None,
) -> Request:
    """Return a request on a route whose response of 100 bytes was sent."""
    request = request_of(
        target, headers=list(headers), connection=connection, host=b"api.test:8000"
    )
    request.received = request.ended = monotonic()
    request.sent = 100
    if matched:
        request.match = MatchedRoute()
    return request


def ok() -> Response:
    """Return a response of the gateway's own."""
    return Response(200, [(b"Content-Type", b"text/plain")], b"hello")


class SlowClock(QueueClock):
    """Stands still until a test moves it; then what waits for a time in between goes on."""

    def __init__(self) -> None:
        self.time = 1000.0
        self._waiting: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self.time

    async def wait(self, signal: asyncio.Future[None], seconds: float | None) -> None:
        until = float("inf") if seconds is None else self.time + seconds
        entry = (until, signal)
        self._waiting.append(entry)
        try:
            await signal
        finally:
            self._waiting.remove(entry)

    async def advance(self, seconds: float) -> None:
        """Let time go by, from one end of waiting to the next."""
        end = self.time + seconds
        await settle()
        while True:
            due = [one for one in self._waiting if one[0] <= end and not one[1].done()]
            if not due:
                break
            until, signal = min(due, key=lambda one: one[0])
            self.time = max(self.time, until)
            signal.set_result(None)
            await settle()
        self.time = end


async def settle() -> None:
    """Let everything run that does not wait for the clock."""
    for _ in range(20):
        await asyncio.sleep(0)


async def until(condition: Callable[[], Any], within: float = PATIENCE) -> Any:
    """Return the first true result of a condition that another thread or process brings about."""
    async with asyncio.timeout(within):
        while not (found := condition()):  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.01)
    return found


def server_tls(folder: Path) -> tuple[ssl.SSLContext, str]:
    """Return settings for a server on 127.0.0.1 or localhost, and the file of its authority."""
    authority = Authority.make()
    certificate, key = authority.leaf()
    names = {"ca": authority.certificate, "certificate": certificate, "key": key}
    for name, text in names.items():
        (folder / f"{name}.pem").write_text(text)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return context, str(folder / "ca.pem")
