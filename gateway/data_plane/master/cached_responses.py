# SPDX-License-Identifier: Apache-2.0
"""What is kept of responses, shown and removed: Kong's paths, on a node's status API.

Kong has them on its Admin API, where a node of its own kind keeps the cache. Here the node that
keeps it has the status API alone; who may drain the node may see and remove what it keeps.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import orjson

from gateway.http.generated_responses import JSON, json_response
from gateway.http.messages import Pending, Request, Response
from gateway.plugins.node_store import NodeStore
from gateway.tasks import BackgroundTasks

_PATH = re.compile(
    rb"/(proxy-cache|proxy-cache-advanced)"
    rb"(?:/(?:(?P<plugin>[0-9a-f-]{36})/caches/)?(?P<key>[0-9a-f]{64}))?"
)


async def _none(_: str) -> int:
    return 0


class CachedResponses:
    """The responses of both plugins in a node's store.

    ``purge`` removes those that are kept elsewhere, for all nodes; it returns how many.
    """

    def __init__(self, store: NodeStore, purge: Callable[[str], Awaitable[int]] = _none) -> None:
        self._store = store
        self._purge = purge
        self._tasks = BackgroundTasks()

    def concerns(self, request: Request) -> bool:
        """Tell whether a request is for this API."""
        return request.path.startswith(b"/proxy-cache")

    def respond(self, request: Request) -> Response | Pending:
        """Show one response, or remove one or all."""
        found = _PATH.fullmatch(request.path)
        if found is None:
            return json_response(404, "Not found")
        prefix = found[1].decode() + ":"
        if found["key"] is not None:
            prefix += found["key"].decode() + ":"
        if found["plugin"] is not None:
            prefix += found["plugin"].decode()
        if request.method == b"DELETE":
            pending = Pending()
            self._tasks.start(self._remove(prefix, found["key"] is not None, pending))
            return pending
        if request.method != b"GET" or found["key"] is None:
            return json_response(405, "Method not allowed")
        return self._show(prefix)

    async def _remove(self, prefix: str, one: bool, pending: Pending) -> None:
        gone = self._store.clear(prefix) + await self._purge(prefix)
        if one and not gone:
            pending.resolve(json_response(404, "Not found"))
        else:
            pending.resolve(Response(204, []))

    def _show(self, prefix: str) -> Response:
        """Return the response that was kept last under a key; its variants have keys below it."""
        # Imported here: a master starts without plugins.
        from gateway.plugins.proxy_cache.entry import CachedResponse

        for key in reversed(self._store.keys(prefix)):
            packed = self._store.get(key)
            if key.count(":") == 3 and packed is not None:
                entry = CachedResponse.unpack(packed)
                if entry is not None:
                    return Response(200, [(b"Content-Type", JSON)], orjson.dumps(entry.as_json()))
        return json_response(404, "Not found")
