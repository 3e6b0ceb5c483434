# SPDX-License-Identifier: Apache-2.0
"""``custom_fields_by_lua``: fields of the log entry that Lua computes, in the sandbox.

The fields belong to the request: plugins that log it later have those of the ones before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from gateway.errors import RequestRejected
from gateway.http.messages import Request, Response
from gateway.logs import get_logger
from gateway.plugins.logging.paths import (
    TOO_DEEP,
    CustomField,
    PathProblem,
    is_loggable,
    parse_path,
    put,
)
from gateway.plugins.lua import SHARED
from gateway.plugins.lua.phase import NAMES, Calls, Phase
from gateway.plugins.lua.sandbox import FAILURES, MEMORY, LuaSandbox

_log = get_logger("gateway.plugins.logging")


class CustomFields:
    """The chunks of one plugin in a runtime of their own."""

    def __init__(self, chunks: Mapping[str, str], plugin: str) -> None:
        self._plugin = plugin
        self._sources = dict(chunks)
        self._reported: set[str] = set()
        self._begin()

    def _begin(self) -> None:
        self._calls = Calls(self._plugin)
        self._sandbox = LuaSandbox(NAMES, self._calls)
        self._calls.bridge = self._sandbox.bridge
        self._chunks = [
            (text, parse_path(text), self._sandbox.compile(chunk))
            for text, chunk in self._sources.items()
        ]

    def compute(self, request: Request, response: Response) -> None:
        """Add the fields to those of the request; one whose chunk fails is left out."""
        if self._sandbox.used > MEMORY // 2:
            self._sandbox.collect()
            if self._sandbox.used > MEMORY:
                self._begin()
        sandbox = self._sandbox
        found: list[CustomField] = []
        shared = (request.context or {}).get(SHARED)
        self._calls.phase = Phase("log", request, response)
        try:
            sandbox.begin(shared and sandbox.bridge.to_lua(shared), None)
            for text, path, chunk in self._chunks:
                try:
                    found.append(CustomField(path, self._value(sandbox.run(chunk))))
                except (*FAILURES, RequestRejected) as error:
                    self._report(text, str(error).partition("\n")[0])
        finally:
            self._calls.phase = None
        # A chunk may have added some itself.
        request.log_fields = [*request.log_fields, *found]

    def put_into(self, entry: dict[str, Any], request: Request) -> None:
        """Put the request's fields into its entry, in the order in which they were computed."""
        for field in request.log_fields:
            try:
                put(entry, *field)
            except PathProblem as error:
                self._report(str(field.path), str(error))

    def _value(self, value: Any) -> Any:
        found = None if value is None else orjson.loads(self._sandbox.bridge.to_json(value))
        if not is_loggable(found):
            raise TypeError(TOO_DEEP)
        return found

    def _report(self, field: str, problem: str) -> None:
        """Log a field that is left out: the first time, since every request may have it."""
        if field not in self._reported:
            self._reported.add(field)
            _log.error("custom field left out", plugin=self._plugin, field=field, problem=problem)
