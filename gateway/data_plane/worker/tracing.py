# SPDX-License-Identifier: Apache-2.0
"""Serving one request and telling what was done with it: which route, which policies, which record.

It comes by a connection like any other, to a listener that is there for it alone, so that nothing
on the way of other requests asks whether somebody watches.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection
from contextlib import suppress
from ipaddress import ip_address
from time import monotonic

from gateway.data_plane.worker.application import GatewayApplication
from gateway.data_plane.worker.parts import WorkerParts
from gateway.http.forwarded import TrustedProxies
from gateway.http.generated_responses import error_response
from gateway.http.limits import limits_of
from gateway.http.messages import Pending, Request, Response
from gateway.http.proxy_protocol import Address
from gateway.http.server import Listener, Server
from gateway.hybrid.extensions import (
    LONGEST_BODY,
    RequestTrace,
    TracedRecord,
    TracedStep,
    TriedRequest,
)
from gateway.kafka.pool import ProducerPool
from gateway.plugins.chain import Chain

_WITHIN = 20.0
"""Seconds that a request may take."""
_LAST = 2.0
"""Seconds to wait for records after the response: buffered ones come later."""


class TracingApplication:
    """The worker's application, with the chain of each request watched."""

    def __init__(
        self,
        application: GatewayApplication,
        producers: ProducerPool,
        routes: Collection[str] | None = None,
    ) -> None:
        """``routes`` are the ids of those that requests may be for; None: of all."""
        self.trace = RequestTrace("")
        self._routes = routes
        self._sent = 0
        self._more = asyncio.Event()
        self._application = application
        self._producers = producers
        self._since: dict[str, float] = {}
        self._tokens: dict[int, int] = {}

    def begin(self, request: Request) -> int | Response:
        """Find the route; see ``gateway.http.application``."""
        found = self._application.begin(request)
        match = request.match
        if match is not None:
            route, service = match.route, match.service
            self.trace.route = str(route.get("name") or route["id"])
            if service is not None:
                self.trace.service = str(service.get("name") or service["id"])
            if self._routes is not None and match.route["id"] not in self._routes:
                self.trace.error = f"it is for route {self.trace.route}, which is another owner's"
                # Nothing of that route sees it: no policy, no log, no count.
                request.match = request.chain = None
                return error_response(403, self.trace.error, request)
        if isinstance(request.chain, Chain):
            request.chain = request.chain.watched(self._watch)
        return found

    def handle(self, request: Request) -> Response | Pending:
        """Run the chain."""
        return self._application.handle(request)

    def finished(self, request: Request, response: Response, written: int) -> None:
        """Count it as any other."""
        consumer = request.consumer
        if consumer is not None:
            self.trace.consumer = str(consumer.get("username") or consumer.get("id"))
        self.trace.status = response.status
        self._application.finished(request, response, written)

    def _watch(self, name: str, outcome: str | None) -> None:
        producers = self._producers.all()
        if outcome is None:
            self._since[name] = monotonic()
            self._tokens = {id(one): one.last_token for one in producers}
            return
        for one in producers:
            before = self._tokens.get(id(one), 0)
            if one.last_token > before:
                self._sent += one.last_token - before
                one.watch_tokens(before, self._settled)
        elapsed = (monotonic() - self._since[name]) * 1000
        self.trace.steps.append(TracedStep(name, round(elapsed, 3), outcome))

    def _settled(self, topic: str, partition: int, offset: int, error: str) -> None:
        at = (-1, -1) if error else (partition, offset)
        self.trace.records.append(TracedRecord(topic, *at, error))
        self._more.set()

    async def records(self) -> None:
        """Wait a moment for records whose sender did not."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST):
                while len(self.trace.records) < self._sent:
                    self._more.clear()
                    await self._more.wait()


class _Visitors(TrustedProxies):
    """Of a listener that only this process connects to: it says who the client is."""

    def peer(self, peer: Address, named: Address | None) -> Address:
        """Return who tries the request; headers in it are believed in nothing."""
        return peer if named is None else named


def _proxy_line(client: str) -> str:
    """Return the PROXY protocol's line that names a client by its address (version 1)."""
    try:
        family = ip_address(client).version
    except ValueError:
        return "PROXY UNKNOWN"
    here = {4: "127.0.0.1", 6: "::1"}[family]
    return f"PROXY TCP{family} {client} {here} 0 0"


async def trace_request(parts: WorkerParts, wanted: TriedRequest) -> RequestTrace:
    """Serve a request; return what was done with it."""
    application = TracingApplication(parts.application, parts.resources.producers, wanted.routes)
    limits, headers = limits_of(parts.settings), parts.settings.headers
    server = Server(application, limits, headers=headers, trusted=_Visitors())
    listening = socket.create_server(("127.0.0.1", 0))
    started = monotonic()
    try:
        await server.start([Listener(listening, named=True)])
        async with asyncio.timeout(_WITHIN):
            received = await _exchange(listening.getsockname()[1], wanted)
        application.trace.milliseconds = round((monotonic() - started) * 1000, 2)
        await application.records()
        head, _, body = received.partition(b"\r\n\r\n")
        application.trace.response = head + b"\r\n\r\n" + body[:LONGEST_BODY]
    except (OSError, TimeoutError) as error:
        application.trace.error = str(error) or f"no response within {_WITHIN:.0f} s"
    finally:
        await server.drain(0.1)
        listening.close()
    application.trace.id = wanted.id
    return application.trace


async def _exchange(port: int, wanted: TriedRequest) -> bytes:
    """Send a request; return all that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        names = {name.lower() for name, _ in wanted.headers}
        lines = [_proxy_line(wanted.client), f"{wanted.method} {wanted.target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in wanted.headers]
        if "host" not in names:
            lines.append("Host: localhost")
        if wanted.body:
            lines.append(f"Content-Length: {len(wanted.body)}")
        lines += ["Connection: close", "", ""]
        writer.write("\r\n".join(lines).encode() + wanted.body)
        received = b""
        while len(received) < 2 * LONGEST_BODY:
            piece = await reader.read(LONGEST_BODY)
            if not piece:
                break
            received += piece
        return received
    finally:
        writer.close()
