# SPDX-License-Identifier: Apache-2.0
"""Run the chunks of a phase, one after the other."""

from __future__ import annotations

from typing import Any

import orjson

from gateway.errors import ReleaseRefused, RequestRejected
from gateway.http.generated_responses import message_of
from gateway.http.headers import Headers
from gateway.http.log_ids import named
from gateway.http.messages import Request, Response
from gateway.logs import get_logger
from gateway.plugins.base import Handler, PluginContext
from gateway.plugins.lua import SHARED
from gateway.plugins.lua.nginx import said
from gateway.plugins.lua.phase import NAMES, Calls, Phase
from gateway.plugins.lua.sandbox import FAILURES, MEMORY, LuaSandbox, kind_of
from gateway.plugins.pre_function.schema import PHASES

_log = get_logger("gateway.plugins.lua")
_LARGEST = 10 * 1024**2
"""Bytes of a response's body that chunks get."""


class ServerlessFunction(Handler):
    """The chunks of one plugin in a runtime of their own."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        if not context.lua_allowed:
            text = f"{config.plugin}: Lua is switched off here by KONG_UNTRUSTED_LUA=off"
            raise ReleaseRefused([text])
        everywhere = context.route_id is None and context.service_id is None
        self._sources = {phase: list(getattr(config, phase)) for phase in PHASES}
        if not everywhere:
            self._sources["rewrite"] = []
        early = self._sources["rewrite"] + self._sources["access"]
        self.needs_body = any("body" in chunk for chunk in early)
        used = {phase for phase, chunks in self._sources.items() if chunks}
        if "rewrite" in used:
            used.add("access")
        if any("response" in chunk or "ngx" in chunk for chunk in early):
            used.add("header_filter")
        if "body_filter" in used:
            used.add("whole_body")
        self.skips = {*PHASES, "whole_body"} - used
        self._own = f"lua {context.plugin_id}"
        self._for_later = f"{self._own} headers"
        self._begin()

    def _begin(self) -> None:
        """Make a runtime and load the chunks into it."""
        self._calls = Calls(self.config.plugin)
        self._sandbox = LuaSandbox(NAMES, self._calls)
        self._calls.bridge = self._sandbox.bridge
        self._chunks = {
            phase: [_Chunk(self._sandbox.compile(source)) for source in sources]
            for phase, sources in self._sources.items()
        }

    def access(self, request: Request) -> Response | None:
        """Run ``rewrite``, where it is for all requests, and ``access``."""
        headers: Headers = []
        for name in ("rewrite", "access"):
            if self._chunks[name]:
                phase = Phase(name, request)
                phase.headers = headers
                self._run(phase)
                if phase.exit is not None:
                    return phase.exit
                if phase.said is not None:
                    return said(phase)
                headers = phase.headers
        if headers:
            request.context = {**(request.context or {}), self._for_later: headers}
        return None

    def header_filter(self, request: Request, response: Response) -> None:
        """Set what earlier phases have set for the response, and run ``header_filter``."""
        headers = (request.context or {}).get(self._for_later)
        if headers:
            names = {name.lower() for name, _ in headers}
            others = [pair for pair in response.headers if pair[0].lower() not in names]
            response.headers = others + headers
        if self._chunks["header_filter"]:
            self._run(Phase("header_filter", request, response))

    def whole_body(self, request: Request, response: Response) -> int:
        """Hold the body for ``body_filter``."""
        return _LARGEST

    def body_filter(self, request: Request, response: Response, chunk: bytes, last: bool) -> bytes:
        """Run ``body_filter``."""
        phase = Phase("body_filter", request, response, chunk)
        self._run(phase)
        return phase.body

    def log(self, request: Request, response: Response) -> None:
        """Run ``log``."""
        self._run(Phase("log", request, response))

    def _run(self, phase: Phase) -> None:
        """Run the chunks of a phase; raises ``RequestRejected`` (500) when one fails."""
        self._make_room()
        sandbox, calls = self._sandbox, self._calls
        context = phase.request.context or {}
        calls.phase = phase
        try:
            shared, own = context.get(SHARED), context.get(self._own)
            to_lua = sandbox.bridge.to_lua
            sandbox.begin(shared and to_lua(shared), own and to_lua(own))
            for chunk in self._chunks[phase.name]:
                chunk.run(sandbox)
        except FAILURES as error:
            if phase.exit is None and not phase.done:
                _log.error(
                    "a chunk failed",
                    plugin=self.config.plugin,
                    phase=phase.name,
                    **named(phase.request),
                    problem=str(error).partition("\n")[0],
                )
                raise RequestRejected(500, message_of(500)) from error
        finally:
            calls.phase = None
        self._keep(phase.request)

    def _keep(self, request: Request) -> None:
        """Keep ``kong.ctx`` with the request."""
        for name, table in zip((SHARED, self._own), self._sandbox.ctx(), strict=True):
            if table is False:
                continue
            try:
                value = orjson.loads(self._sandbox.bridge.to_json(table))
            except (TypeError, ValueError, RequestRejected):
                _log.warning("kong.ctx holds what JSON cannot", plugin=self.config.plugin)
                continue
            request.context = {**(request.context or {}), name: value}

    def _make_room(self) -> None:
        if self._sandbox.used > MEMORY // 2:
            self._sandbox.collect()
            if self._sandbox.used > MEMORY:
                self._begin()


class _Chunk:
    """A chunk, or the function that it returned when it was first run."""

    __slots__ = ("_first", "_function")

    def __init__(self, function: Any) -> None:
        self._function = function
        self._first = True

    def run(self, sandbox: LuaSandbox) -> None:
        if not self._first:
            sandbox.run(self._function)
            return
        self._first = False
        found = sandbox.run(self._function)
        if kind_of(found) == "function":
            self._function = found
            sandbox.run(found)
