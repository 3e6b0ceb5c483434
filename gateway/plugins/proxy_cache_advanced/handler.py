# SPDX-License-Identifier: Apache-2.0
"""The same as ``proxy-cache``, with a store that nodes may share."""

from __future__ import annotations

from typing import Any

from gateway.errors import NodeStoreUnavailable
from gateway.http.generated_responses import error_response
from gateway.http.messages import Request, Response
from gateway.logs import get_logger
from gateway.plugins.base import PluginContext
from gateway.plugins.proxy_cache.handler import ProxyCache
from gateway.redis.target import target_of

_log = get_logger("gateway.cache")


class ProxyCacheAdvanced(ProxyCache):
    """Strategies ``memory`` and ``redis``."""

    PREFIX = "proxy-cache-advanced"

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self._client = None
        if config.strategy == "redis":
            # Imported here: its library takes a while to load, and most workers have no Redis.
            from gateway.plugins.redis_store import RedisStore

            self._client = context.redis.get(target_of(config.redis, context.trusted_ca))
            self._store = RedisStore(self._client)

    def unavailable(self, request: Request, error: Exception) -> Response | None:
        """Return the response while the store cannot be reached; None: the upstream responds."""
        super().unavailable(request, error)
        if self.config.bypass_on_err:
            return None
        return error_response(502, "the cache is unavailable", request)

    async def purge(self, prefix: str) -> int:
        """Remove responses from Redis."""
        if self._client is None or not prefix.startswith(self.PREFIX + ":"):
            return 0
        try:
            return await self._store.clear(prefix)
        except NodeStoreUnavailable as error:
            _log.error("cached responses not removed", problem=str(error))
            return 0

    def close(self) -> None:
        """Give the client back."""
        if self._client is not None:
            self.context.redis.release(self._client)
            self._client = None
