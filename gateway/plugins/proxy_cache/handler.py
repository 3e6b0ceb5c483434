# SPDX-License-Identifier: Apache-2.0
"""Respond with what is kept, or keep what the upstream responds."""

from __future__ import annotations

from collections.abc import Awaitable
from functools import partial
from time import time
from typing import Any

from gateway.errors import NodeStoreUnavailable
from gateway.http.client_connection import ConnectionUpgrade
from gateway.http.log_ids import named
from gateway.http.messages import FixedResponse, Request, Response
from gateway.logs import get_logger
from gateway.plugins.base import Handler, PluginContext, Proceed
from gateway.plugins.proxy_cache.content_types import ContentTypes
from gateway.plugins.proxy_cache.entry import CachedResponse, Kept, pack_names, unpack_names
from gateway.plugins.proxy_cache.freshness import (
    Directives,
    is_strict,
    is_usable,
    lifetime,
    of_request,
)
from gateway.plugins.proxy_cache.key import KeyMaker
from gateway.plugins.shared_store import SharedStore

_log = get_logger("gateway.cache")

LARGEST = 4 * 1024**2
"""Bytes of the largest body that is kept."""
_WITH_BODY = frozenset(("POST", "PATCH", "PUT"))
_NEVER = frozenset((206, 304, 412, 416))
"""Responses to a part or a condition: for one request only (RFC 9111, 3.3 and 4.3)."""
_AGE, _STATUS, _KEY = b"Age", b"X-Cache-Status", b"X-Cache-Key"


class ProxyCache(Handler):
    """The strategy ``memory``: what is kept is shared by the node's workers."""

    PREFIX = "proxy-cache"

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self.needs_body = any(method in _WITH_BODY for method in config.request_method)
        self._methods = frozenset(method.encode() for method in config.request_method)
        self._statuses = frozenset(config.response_code) - _NEVER
        self._types = ContentTypes(config.content_type)
        self._keys = KeyMaker(
            config.vary_query_params, config.vary_headers, ignore_case=config.ignore_uri_case
        )
        shown = config.response_headers
        self._shown = {
            _AGE: shown.age,
            _STATUS: getattr(shown, "X-Cache-Status"),
            _KEY: getattr(shown, "X-Cache-Key"),
        }
        self._store: SharedStore = context.store

    def access(self, request: Request) -> Awaitable[Response | Proceed | None] | None:
        """Look for a response, unless the request may have none."""
        said = of_request(request) if self.config.cache_control else {}
        if request.method not in self._methods or self._is_barred(request, said):
            if self._shown[_STATUS] or request.header(b"kong-debug") is not None:
                request.response_lines += b"\r\nX-Cache-Status: Bypass"
            return None
        return self._look(request, said, self._keys.key(request))

    def unavailable(self, request: Request, error: Exception) -> Response | None:
        """Return the response while the store cannot be reached; None: the upstream responds."""
        _log.error("cache unavailable", **named(request), problem=str(error))
        return None

    def _is_barred(self, request: Request, said: Directives) -> bool:
        # A body that streams through cannot tell requests apart.
        if request.upgrade is not None or request.stream is not None:
            return True
        if not self.config.cache_control:
            return False
        barred = "no-store" in said or "no-cache" in said
        return barred or request.header(b"authorization") is not None

    async def _look(
        self, request: Request, said: Directives, key: str
    ) -> Response | Proceed | None:
        base = f"{self.PREFIX}:{key}:{self.context.plugin_id}"
        try:
            status, entry = await self._find(request, said, base)
        except NodeStoreUnavailable as error:
            response = self.unavailable(request, error)
            if response is None:
                request.response_lines += b"\r\nX-Cache-Status: Bypass"
            return response
        if entry is not None:
            return self._hit(request, key, entry)
        if "only-if-cached" in said:
            return self._tell(request, Response(504, []), key, None)
        return Proceed(partial(self._passed, request, key, base, status))

    async def _find(
        self, request: Request, said: Directives, base: str
    ) -> tuple[bytes, CachedResponse | None]:
        """Return Miss, Refresh or Bypass, and what may be given."""
        packed_names = await self._store.get(base)
        if packed_names is None:
            return b"Miss", None
        names = unpack_names(packed_names)
        if names is None:
            await self._store.remove(base)
            return b"Bypass", None
        place = f"{base}:{self._keys.variant(request, names)}"
        packed = await self._store.get(place)
        if packed is None:
            return b"Miss", None
        entry = CachedResponse.unpack(packed)
        if entry is None:
            await self._store.remove(place)
            return b"Bypass", None
        return b"Refresh", entry if self._is_usable(entry, said) else None

    def _is_usable(self, entry: CachedResponse, said: Directives) -> bool:
        now = time()
        if self.config.cache_control:
            return is_usable(entry.aged(now), entry.ttl, said, strict=entry.strict)
        return entry.aged(now, with_own=False) <= int(self.config.cache_ttl)

    def _hit(self, request: Request, key: str, entry: CachedResponse) -> Response:
        response = self._tell(request, entry.response(), key, b"Hit")
        if self._shown[_AGE] or request.header(b"kong-debug") is not None:
            response.headers.append((_AGE, b"%d" % entry.aged(time())))
        return response

    async def _passed(
        self, request: Request, key: str, base: str, status: bytes, response: Response
    ) -> Response:
        """Keep the response if it may be; a stream when it has come to its end."""
        now = time()
        ttl = lifetime(response, now) if self.config.cache_control else self.config.cache_ttl
        names = self._varies(response)
        body = response.body
        if names is None or ttl <= 0 or status == b"Bypass" or not self._is_kept(response):
            return self._tell(request, response, key, b"Bypass")
        place = f"{base}:{self._keys.variant(request, names)}"
        keep = partial(self._keep, base, place, names, response, now, ttl)
        if isinstance(body, bytes):
            if len(body) <= LARGEST:
                await keep(body)
        elif not isinstance(body, ConnectionUpgrade):
            kept = Kept(body, LARGEST, keep)
            response = Response(
                response.status,
                response.headers,
                kept,
                generated=response.generated,
                close=response.close,
            )
        return self._tell(request, response, key, status)

    def _is_kept(self, response: Response) -> bool:
        if response.status not in self._statuses or isinstance(response.body, ConnectionUpgrade):
            return False
        # Of our own failures none is the upstream's word.
        if response.generated and response.status >= 500:
            return False
        kinds = [value for name, value in response.headers if name.lower() == b"content-type"]
        return len(kinds) == 1 and self._types.hold(kinds[0].decode("latin-1"))

    def _varies(self, response: Response) -> list[str] | None:
        """Return the request headers that decide; None: the response is for one client only."""
        found: set[str] = set()
        for name, value in response.headers:
            lower = name.lower()
            if lower == b"set-cookie":
                return None
            if lower == b"content-encoding":
                # Also where the upstream forgets to say so: not every client can read it.
                found.add("accept-encoding")
            elif lower == b"vary":
                found |= {part.strip().lower() for part in value.decode("latin-1").split(",")}
        return None if "*" in found else sorted(found - {""})

    async def _keep(
        self,
        base: str,
        place: str,
        names: list[str],
        response: Response,
        now: float,
        ttl: int,
        body: bytes,
    ) -> None:
        entry = CachedResponse.of(response, body, now, ttl, strict=is_strict(response))
        until = self.config.storage_ttl or ttl
        try:
            await self._store.put(place, entry.pack(), until)
            await self._store.put(base, pack_names(names), until)
        except NodeStoreUnavailable as error:
            _log.error("response not kept", problem=str(error))

    def _tell(
        self, request: Request, response: Response, key: str, status: bytes | None
    ) -> Response:
        """Add the headers that tell clients of the cache, in place of the upstream's own."""
        if isinstance(response, FixedResponse):
            response = response.copy()
        every = request.header(b"kong-debug") is not None
        added = [(_KEY, key.encode())]
        if status is not None:
            added.append((_STATUS, status))
        own = (_STATUS.lower(), _KEY.lower())
        response.headers = [pair for pair in response.headers if pair[0].lower() not in own]
        response.headers += [pair for pair in added if every or self._shown[pair[0]]]
        return response
