# SPDX-License-Identifier: Apache-2.0
"""The log phase of all plugins that log: an entry is made, and handed to the plugin's sink."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

import orjson

from gateway.errors import ReleaseRefused
from gateway.http.messages import Request, Response
from gateway.logs import get_logger
from gateway.plugins.base import Handler, PluginContext
from gateway.plugins.logging.collecting import EntryCollector
from gateway.plugins.logging.paths import PathProblem, put
from gateway.plugins.logging.queue import QueueLimits
from gateway.plugins.logging.serializer import log_entry

if TYPE_CHECKING:
    from gateway.plugins.logging.custom_fields import CustomFields

OWN_LIMITS = QueueLimits(
    batch=1000,
    coalescing=0.02,
    entries=10_000,
    bytes=32 * 1024**2,
    retry_time=-1.0,
    first_delay=0.1,
    longest_delay=5.0,
)
"""Those of the plugins that have no settings for them."""

_log = get_logger("gateway.plugins.logging")


class LogHandler(Handler):
    """Subclasses give ``add`` their sink, with ``use_queue`` where it has to be waited for."""

    name = ""

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self._fields: CustomFields | None = None
        self._key: Hashable = None
        self.add: Callable[[bytes], None] = _nowhere
        self._collector = EntryCollector(self._add_each, self.log)
        chunks = config.custom_fields_by_lua
        if chunks:
            if not context.lua_allowed:
                text = "custom_fields_by_lua: Lua is switched off here by KONG_UNTRUSTED_LUA=off"
                raise ReleaseRefused([text])
            # LuaJIT is loaded only where there is Lua.
            from gateway.plugins.logging.custom_fields import CustomFields

            self._fields = CustomFields(chunks, self.name)
        elif type(self).log is LogHandler.log:
            # Compiled, and called as it is, without a Python function before it.
            self.log = self._collector.take  # type: ignore[method-assign]  # of this configuration

    def log(self, request: Request, response: Response) -> None:
        """Hand the entry over, after those that wait."""
        self._collector.write()
        self.add(self.entry(request, response))

    def entry(self, request: Request, response: Response) -> bytes:
        """Return the entry as JSON."""
        if self._fields is not None:
            self._fields.compute(request, response)
        elif not request.log_fields:
            return orjson.dumps(log_entry(request, response))
        entry = log_entry(request, response, plain=True)
        if self._fields is not None:
            self._fields.put_into(entry, request)
        else:
            _put_others(entry, request)
        return orjson.dumps(entry)

    def use_queue(self, limits: QueueLimits, key: Hashable = None) -> None:
        """Have entries wait for ``send``; plugins with the same key share the queue."""
        self._key = (self.name, key or self.context.plugin_id)
        queue = self.context.logs.queue(self._key, self.name, limits, self.send)
        self.add, self._collector.add_all = queue.add, queue.add_all

    def _add_each(self, entries: list[bytes]) -> None:
        """Hand entries to a sink that takes them one by one."""
        for entry in entries:
            try:
                self.add(entry)
            except Exception:
                _log.exception("log handler failed", plugin=self.name)

    async def send(self, entries: list[bytes]) -> int:
        """Deliver entries; see ``gateway.plugins.logging.queue``."""
        raise NotImplementedError

    def close(self) -> None:
        """Give the queue back: what waits there is delivered."""
        self._collector.write()
        if self._key is not None:
            self.context.logs.release(self._key)
            self._key = None
            self.add, self._collector.add_all = _nowhere, self._add_each


def _put_others(entry: dict[str, Any], request: Request) -> None:
    """Put in what plugins before computed, who have said what is wrong with it."""
    for field in request.log_fields:
        try:
            put(entry, *field)
        except PathProblem:
            continue


def _nowhere(entry: bytes) -> None:
    """Take an entry of a request that ends after its plugin."""
