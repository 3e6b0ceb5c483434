# SPDX-License-Identifier: Apache-2.0
"""What is kept of responses, shown and removed: Kong's paths, on a node's status API.

Kong has them on its Admin API, where a node of its own kind keeps the cache. Here the node that
keeps it has the status API alone; who may drain the node may see and remove what it keeps.
"""

from __future__ import annotations

import re

import orjson

from gateway.http.generated_responses import JSON, json_response
from gateway.http.messages import Request, Response
from gateway.plugins.node_store import NodeStore

_PATH = re.compile(
    rb"/(proxy-cache|proxy-cache-advanced)"
    rb"(?:/(?:(?P<plugin>[0-9a-f-]{36})/caches/)?(?P<key>[0-9a-f]{64}))?"
)


class CachedResponses:
    """The responses of both plugins in a node's store."""

    def __init__(self, store: NodeStore) -> None:
        self._store = store

    def concerns(self, request: Request) -> bool:
        """Tell whether a request is for this API."""
        return request.path.startswith(b"/proxy-cache")

    def respond(self, request: Request) -> Response:
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
            gone = self._store.clear(prefix)
            if found["key"] is not None and not gone:
                return json_response(404, "Not found")
            return Response(204, [])
        if request.method != b"GET" or found["key"] is None:
            return json_response(405, "Method not allowed")
        return self._show(prefix)

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
