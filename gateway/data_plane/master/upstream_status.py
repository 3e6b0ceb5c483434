# SPDX-License-Identifier: Apache-2.0
"""Upstreams on a node's status API: their targets and how these are, and setting it by hand.

The paths that only read are those of Kong's status API on a data plane (``kong/status/init.lua``,
3.10). Those that set a target's health Kong has on the Admin API of nodes that proxy themselves;
here the node that proxies has the status API alone, and who may drain it may set it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import orjson

from gateway.data_plane.master.upstream_health import UpstreamHealth
from gateway.http import arguments
from gateway.http.generated_responses import JSON, json_response
from gateway.http.messages import Request, Response

if TYPE_CHECKING:
    from gateway.proxy.balancing.discovery import FoundTarget
    from gateway.proxy.balancing.watched import WatchedUpstream

_SIZE, _MOST = 100, 1000
"""Targets on a page (``kong/db/schema/entities``: page sizes of Kong)."""


class UpstreamStatus:
    """``/upstreams/…`` of a node. ``node_id`` returns whose word it is."""

    def __init__(self, health: UpstreamHealth, node_id: Callable[[], str]) -> None:
        self._health = health
        self._node_id = node_id

    def concerns(self, request: Request) -> bool:
        """Tell whether a request is for this API."""
        return request.path.startswith(b"/upstreams/")

    def changes(self, request: Request) -> bool:
        """Tell whether a request asks for more than to be shown something."""
        return request.method not in (b"GET", b"HEAD")

    def respond(self, request: Request) -> Response:
        """Show targets, or set the health of one."""
        path = request.path.decode("latin-1").rstrip("/")
        parts = [unquote(part) for part in path.split("/")[2:]] or [""]
        upstream = self._health.find(parts[0])
        if upstream is None:
            return json_response(404, "Not found")
        asked = arguments.parse(request.query)
        match parts[1:]:
            case ["health"]:
                return self._get(request, lambda: self._show_health(upstream, asked))
            case ["targets"] | ["targets", "all"]:
                return self._get(request, lambda: self._page(upstream, asked, "targets", _row))
            case ["targets", name]:
                return self._get(request, lambda: _show_target(upstream, name))
            case ["targets", name, ("healthy" | "unhealthy") as word]:
                return self._set(request, upstream, name, None, word)
            case ["targets", name, address, ("healthy" | "unhealthy") as word]:
                return self._set(request, upstream, name, address, word)
        return json_response(404, "Not found")

    def _get(self, request: Request, show: Callable[[], Response]) -> Response:
        return json_response(405, "Method not allowed") if self.changes(request) else show()

    def _show_health(self, upstream: WatchedUpstream, asked: arguments.Arguments) -> Response:
        if asked.get("balancer_health") == "1":
            return _json({"data": upstream.balancer_health(), **self._end()})

        def shown(target: FoundTarget) -> dict[str, Any]:
            health, data = upstream.described(target)
            return {**_row(target), "health": health, "data": data}

        return self._page(upstream, asked, "health", shown, self._end())

    def _end(self) -> dict[str, Any]:
        return {"next": None, "node_id": self._node_id()}

    def _page(
        self,
        upstream: WatchedUpstream,
        asked: arguments.Arguments,
        path: str,
        shown: Callable[[FoundTarget], dict[str, Any]],
        end: Mapping[str, Any] | None = None,
    ) -> Response:
        """Show targets, the newest first as Kong does; ``offset`` is where a page begins."""
        size, offset = _number(asked.get("size"), _SIZE), _number(asked.get("offset"), 0)
        targets = _newest_first(upstream.targets.targets)
        size = min(max(size, 1), _MOST)
        body: dict[str, Any] = {
            "data": [shown(target) for target in targets[offset : offset + size]],
            **(end or {"next": None}),
        }
        if offset + size < len(targets):
            body["offset"] = str(offset + size)
            body["next"] = f"/upstreams/{upstream.name}/{path}?offset={offset + size}"
        return _json(body)

    def _set(
        self,
        request: Request,
        upstream: WatchedUpstream,
        name: str,
        address: str | None,
        word: str,
    ) -> Response:
        if request.method not in (b"POST", b"PUT"):
            return json_response(405, "Method not allowed")
        if not upstream.watched:
            return json_response(400, f"no healthchecker found for {upstream.name}")
        target = _find(upstream, name)
        if target is None:
            return json_response(404, "Not found")
        wanted = None if address is None else _with_port(address)
        meant = [one for one in target.addresses if wanted in (None, one.shown)]
        if not meant:
            return json_response(404, "Not found")
        for one in meant:
            upstream.force(one, healthy=word == "healthy")
        return Response(204, [])


def _show_target(upstream: WatchedUpstream, name: str) -> Response:
    target = _find(upstream, name)
    if target is None or target.weight == 0:  # as Kong has it
        return json_response(404, "Not found")
    return _json(_row(target))


def _find(upstream: WatchedUpstream, name: str) -> FoundTarget | None:
    """Return a target by its id, or by host and port."""
    names = (name, _with_port(name))
    for target in upstream.targets.targets:
        if name.lower() == target.row["id"] or target.name in names:
            return target
    return None


def _with_port(text: str) -> str:
    from gateway.entities.hosts import with_target_port

    return with_target_port(text)


def _newest_first(targets: Sequence[FoundTarget]) -> list[FoundTarget]:
    return sorted(
        targets, key=lambda one: (one.row.get("created_at") or 0, one.row["id"]), reverse=True
    )


def _row(target: FoundTarget) -> dict[str, Any]:
    return {**target.row, "upstream": {"id": target.row["upstream"]}}


def _number(text: Any, default: int) -> int:
    return int(text) if isinstance(text, str) and text.isdecimal() else default


def _json(body: Mapping[str, Any]) -> Response:
    return Response(200, [(b"Content-Type", JSON)], orjson.dumps(body))
