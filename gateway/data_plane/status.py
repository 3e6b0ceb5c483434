# SPDX-License-Identifier: Apache-2.0
"""The status API: ``/status``, ``/status/ready``, ``/metrics`` (hybrid.md §9a).

Served by the master on our own HTTP server, so that it answers while workers are busy or stuck,
and so that the master needs no web framework.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import orjson

from gateway.data_plane.counters import total
from gateway.data_plane.metrics import CONTENT_TYPE, NodeFigures, render
from gateway.http.answers import JSON, json_answer
from gateway.http.application import DISCARD
from gateway.http.messages import Pending, Request, Response
from gateway.logs import get_logger

_log = get_logger("gateway.status")

_MAX_BODY = 4096
READY = "ready"


class NodeView(Protocol):
    """What the status API asks of the master."""

    draining: bool

    def readiness(self) -> str:
        """Return ``ready``, or why not."""
        ...

    def figures(self) -> NodeFigures:
        """Return what the master knows without asking anybody."""
        ...

    async def reports(self) -> list[dict[str, Any]]:
        """Ask the workers; bounded in time."""
        ...


class StatusApplication:
    """``gateway.http.application.Application`` of the status listener."""

    def __init__(self, node: NodeView) -> None:
        self._node = node
        self._tasks: set[asyncio.Task[None]] = set()
        self._routes: dict[tuple[bytes, bytes], Callable[[Request], Response | Pending]] = {
            (b"GET", b"/status"): lambda _: self._later(_status),
            (b"GET", b"/metrics"): lambda _: self._later(_metrics),
            (b"GET", b"/status/ready"): self._ready,
            (b"POST", b"/status/ready"): self._set_ready,
        }

    def begin(self, request: Request) -> int | Response:
        """Keep small bodies; see ``gateway.http.application``."""
        return _MAX_BODY if request.method == b"POST" else DISCARD

    def handle(self, request: Request) -> Response | Pending:
        """Answer, or ask the workers and answer then."""
        method = b"GET" if request.method == b"HEAD" else request.method
        found = self._routes.get((method, request.path))
        if found is not None:
            return found(request)
        known = any(path == request.path for _, path in self._routes)
        return json_answer(405, "Method not allowed") if known else json_answer(404, "Not found")

    def finished(self, request: Request, response: Response, written: int) -> None:
        """Nothing is counted here."""

    def _ready(self, request: Request) -> Response:
        reason = self._node.readiness()
        return json_answer(200 if reason == READY else 503, reason)

    def _set_ready(self, request: Request) -> Response:
        try:
            asked = orjson.loads(request.body)
        except orjson.JSONDecodeError:
            asked = None
        if not isinstance(asked, Mapping) or asked.get("status") != "draining":
            return json_answer(400, 'expected the body {"status":"draining"}')
        self._node.draining = True
        _log.info("draining: this node reports itself not ready from now on")
        return Response(204, [])

    def _later(self, render_with: Callable[[NodeView, list[dict[str, Any]]], Response]) -> Pending:
        pending = Pending()
        task = asyncio.get_running_loop().create_task(self._ask(render_with, pending))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return pending

    async def _ask(
        self, render_with: Callable[[NodeView, list[dict[str, Any]]], Response], pending: Pending
    ) -> None:
        try:
            pending.resolve(render_with(self._node, await self._node.reports()))
        except Exception:
            _log.exception("status failed")
            pending.resolve(json_answer(500, "An unexpected error occurred"))


def _metrics(node: NodeView, reports: list[dict[str, Any]]) -> Response:
    return Response(200, [(b"Content-Type", CONTENT_TYPE)], render(reports, node.figures()))


def _status(node: NodeView, reports: list[dict[str, Any]]) -> Response:
    summed, figures = total(reports), node.figures()
    counters, gauges = summed.get("counters", {}), summed.get("gauges", {})
    accepted = counters.get("accepted", 0)
    active = gauges.get("active", 0)
    routes = counters.get("routes", {}).values()
    body = {
        "configuration_hash": figures.hash,
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
        "workers": {"total": figures.workers, "ready": figures.ready},
    }
    return Response(200, [(b"Content-Type", JSON)], orjson.dumps(body))
