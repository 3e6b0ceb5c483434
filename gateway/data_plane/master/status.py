# SPDX-License-Identifier: Apache-2.0
"""The status API: ``/status``, ``/status/ready``, ``/metrics``, ``/upstreams``, as Kong words them,
and ``/traffic``, which is ours.

Served by the master on our own HTTP server, so that it responds while workers are busy or stuck,
and so that the master needs no web framework.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any, Protocol

import orjson

from gateway import native
from gateway.compiled import use_compiled
from gateway.data_plane.counters import summed
from gateway.data_plane.master.cached_responses import CachedResponses
from gateway.data_plane.master.exposition import OPENMETRICS, TEXT, wants_openmetrics
from gateway.data_plane.master.metrics import NodeFigures, render
from gateway.data_plane.master.upstream_status import UpstreamStatus
from gateway.http.application import DISCARD
from gateway.http.callers import NOT_LOCAL, foreign, is_local
from gateway.http.generated_responses import JSON, json_response
from gateway.http.messages import Pending, Request, Response
from gateway.http.wrong_tokens import WrongTokens
from gateway.logs import get_logger
from gateway.tasks import BackgroundTasks

_log = get_logger("gateway.status")

MAX_BODY = 4096
"""Bytes of a request; no call takes more than a word."""
READY = "ready"
TOKEN_HEADER = b"kong-admin-token"
_WISHES = {"draining": True, READY: False}


class NodeView(Protocol):
    """What the status API asks of the master."""

    draining: bool

    def set_draining(self, draining: bool) -> None:
        """Report the node as not ready and send its clients elsewhere, or take that back."""
        ...

    def readiness(self) -> str:
        """Return ``ready``, or why not."""
        ...

    def figures(self) -> NodeFigures:
        """Return what the master knows without asking the workers."""
        ...

    async def reports(self) -> list[dict[str, Any]]:
        """Ask the workers; bounded in time."""
        ...


class StatusApplication:
    """``gateway.http.application.Application`` of the status listener.

    ``token`` reads the admin token, if there is one; ``SettingsError`` when it cannot.
    """

    def __init__(
        self,
        node: NodeView,
        token: Callable[[], str | None] = lambda: None,
        cached: CachedResponses | None = None,
        upstreams: UpstreamStatus | None = None,
    ) -> None:
        self._node = node
        self._upstreams = upstreams
        self._cached = cached
        self._token = token
        self._wrong = WrongTokens()
        self._asking: asyncio.Task[list[dict[str, Any]]] | None = None
        self._tasks = BackgroundTasks()
        self._routes: dict[tuple[bytes, bytes], Callable[[Request], Response | Pending]] = {
            (b"GET", b"/status"): lambda _: self._later(self._status()),
            (b"GET", b"/metrics"): lambda request: self._later(self._metrics(request)),
            (b"GET", b"/traffic"): self._traffic,
            (b"GET", b"/status/ready"): self._ready,
            (b"POST", b"/status/ready"): self._set_ready,
        }

    def begin(self, request: Request) -> int | Response:
        """Keep small bodies; see ``gateway.http.application``."""
        request.connection.has_asked = True
        return MAX_BODY if request.method == b"POST" else DISCARD

    def handle(self, request: Request) -> Response | Pending:
        """Respond, or ask the workers and respond then."""
        if self._cached is not None and self._cached.concerns(request):
            if not self._may_drain(request):
                return self._refusal(request)
            return self._cached.respond(request)
        upstreams = self._upstreams
        if upstreams is not None and upstreams.concerns(request):
            if upstreams.changes(request) and not self._may_drain(request):
                return self._refusal(request)
            return upstreams.respond(request)
        method = b"GET" if request.method == b"HEAD" else request.method
        asked = request.path.rstrip(b"/")  # as in Kong, a slash at the end says nothing
        found = self._routes.get((method, asked))
        if found is not None:
            return found(request)
        known = any(path == asked for _, path in self._routes)
        return (
            json_response(405, "Method not allowed") if known else json_response(404, "Not found")
        )

    def finished(self, request: Request, response: Response, written: int) -> None:
        """Nothing is counted here."""

    def _ready(self, request: Request) -> Response:
        reason = self._node.readiness()
        return json_response(200 if reason == READY else 503, reason)

    def _set_ready(self, request: Request) -> Response | Pending:
        if not self._may_drain(request):
            return self._refusal(request)
        try:
            asked = orjson.loads(request.body)
        except orjson.JSONDecodeError:
            asked = None
        wish = asked.get("status") if isinstance(asked, Mapping) else None
        if not isinstance(wish, str) or wish not in _WISHES:
            return json_response(
                400, 'expected the body {"status":"draining"} or {"status":"ready"}'
            )
        self._node.set_draining(_WISHES[wish])
        state = "not ready, as asked" if self._node.draining else "ready again when it is"
        _log.info(f"this node reports itself {state}", ip=request.connection.peer[0])
        return Response(204, [])

    def _may_drain(self, request: Request) -> bool:
        """Tell whether the caller is on this machine, and no page of another origin, or has the
        token: any other could take the node out of service.
        """
        given, connection = request.header(TOKEN_HEADER), request.connection
        if given is not None:
            token = self._token()
            return token is not None and hmac.compare_digest(given, token.encode())
        local = is_local(connection.peer[0], connection.here)
        return local and not foreign(request.headers, (connection.here,))

    def _refusal(self, request: Request) -> Response | Pending:
        """Refuse a caller, and one with a wrong token ever more slowly."""
        if not request.header(TOKEN_HEADER):
            return json_response(403, NOT_LOCAL)
        pending = Pending()
        self._tasks.start(self._refuse(request.connection.peer[0], pending))
        return pending

    async def _refuse(self, address: str, pending: Pending) -> None:
        if await self._wrong.wait(address, "/status/ready"):
            pending.resolve(json_response(403, NOT_LOCAL))
        else:
            wait = [(b"Retry-After", b"10")]
            pending.resolve(json_response(429, "Too many wrong admin tokens", wait))

    def _later(self, responding: Coroutine[Any, Any, Response]) -> Pending:
        pending = Pending()
        self._tasks.start(self._respond(responding, pending))
        return pending

    async def _respond(self, responding: Coroutine[Any, Any, Response], pending: Pending) -> None:
        try:
            pending.resolve(await responding)
        except Exception:
            _log.exception("status failed")
            pending.resolve(json_response(500, "An unexpected error occurred"))

    async def _status(self) -> Response:
        return _status(self._node, await self._reports())

    def _traffic(self, request: Request) -> Response | Pending:
        """Say what every route and topic had so far: for who may take the node out of service."""
        if not self._may_drain(request):
            return self._refusal(request)
        return self._later(self._counted())

    async def _counted(self) -> Response:
        # Late: docs/decisions/imports-inside-functions.md
        from gateway.data_plane.master.traffic_reports import counted
        from gateway.hybrid.extensions import encode

        figures = self._node.figures()
        found = counted(await self._reports(), figures.workers, figures.ready)
        found.hash = figures.hash
        return Response(200, [(b"Content-Type", JSON)], encode(found))

    async def _metrics(self, request: Request) -> Response:
        """Write the text beside the loop: thousands of routes make a long one."""
        openmetrics = wants_openmetrics(request.header(b"accept") or b"")
        reports = await self._reports()
        write = partial(render, reports, self._node.figures(), openmetrics=openmetrics)
        kind = OPENMETRICS if openmetrics else TEXT
        return Response(200, [(b"Content-Type", kind)], await asyncio.to_thread(write))

    async def _reports(self) -> list[dict[str, Any]]:
        """Ask the workers once for all requests that come meanwhile: scrapes cost them time."""
        if self._asking is None:
            self._asking = asyncio.get_running_loop().create_task(self._node.reports())
            self._asking.add_done_callback(self._asked)
        return await asyncio.shield(self._asking)

    def _asked(self, _task: asyncio.Task[list[dict[str, Any]]]) -> None:
        self._asking = None


def _status(node: NodeView, reports: list[dict[str, Any]]) -> Response:
    found, figures = summed(reports), node.figures()
    counters, gauges = found["counters"], found["gauges"]
    accepted = counters.get("accepted", 0)
    active = gauges.get("active", 0)
    routes = counters.get("routes", {}).values()
    body = {
        "configuration_hash": figures.hash,
        "draining": figures.draining or node.draining,
        "memory": {
            # Kong's place for the memory of its workers; the number is the whole process here.
            "workers_lua_vms": [
                {"worker": name, "http_allocated_gc": f"{size / 1024**2:.2f} MiB"}
                for name, size in figures.memory.items()
            ],
            "lua_shared_dicts": {},
        },
        "server": {
            "connections_accepted": accepted,
            "connections_handled": accepted - counters.get("refused", 0),
            "connections_active": active,
            "connections_reading": 0,
            "connections_writing": 0,
            "connections_waiting": active,
            "total_requests": sum(sum(route["codes"].values()) for route in routes),
        },
        "version": figures.version,
        # As installed here, so for the workers as well: a package of its own (``native/``).
        "native_twins": native.version or "off",
        "compiled_request_path": "on" if use_compiled() else "off",
        "workers": {"total": figures.workers, "ready": figures.ready},
    }
    return Response(200, [(b"Content-Type", JSON)], orjson.dumps(body))
