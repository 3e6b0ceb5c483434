# SPDX-License-Identifier: Apache-2.0
"""What ``-advanced`` does more: whole bodies, what is allowed, functions."""

from __future__ import annotations

from typing import Any

from gateway.errors import BodyUnreadable, ReleaseRefused
from gateway.http.messages import Request, Response
from gateway.plugins.base import PluginContext
from gateway.plugins.produce import json_text
from gateway.plugins.produce.lua import LuaFunctions
from gateway.plugins.response_transformer.handler import ResponseTransformer
from gateway.plugins.transformations import json_body
from gateway.plugins.transformations.json_objects import DEEPEST, JsonObject
from gateway.plugins.transformations.statuses import Statuses


class ResponseTransformerAdvanced(ResponseTransformer):
    """Raises ``ReleaseRefused`` for functions where Lua is switched off."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        self._allowed = config.allow.json
        chunks = config.transform.functions
        if chunks and not context.lua_allowed:
            text = "transform.functions: Lua is switched off here by KONG_UNTRUSTED_LUA=off"
            raise ReleaseRefused([text])
        self._lua = LuaFunctions(chunks, field="transform.functions") if chunks else None
        self._transformed = Statuses(config.transform.if_status)
        body = config.replace.body
        self._whole = None if body is None else body.encode()
        self._replaces = Statuses(config.replace.if_status)
        super().__init__(config, context)

    def _wants_json(self) -> bool:
        more = self._allowed is not None or self._lua is not None or self._whole is not None
        return more or super()._wants_json()

    def _concerns(self, request: Request, response: Response) -> bool:
        if self._replaces_whole(response) and response.status >= 200:
            return response.status not in (204, 304)
        return super()._concerns(request, response)

    def _takes(self, coding: str, response: Response) -> bool:
        return self._replaces_whole(response) or super()._takes(coding, response)

    def _replaces_whole(self, response: Response) -> bool:
        return self._whole is not None and response.status in self._replaces

    def body_filter(self, request: Request, response: Response, chunk: bytes, last: bool) -> bytes:
        """Replace the whole body, or change it."""
        if self._whole is not None and self._replaces_whole(response):
            return self._whole if self.whole_body(request, response) else chunk
        return super().body_filter(request, response, chunk, last)

    def apply(self, body: JsonObject, status: int) -> None:
        """Make the changes, then drop what is not allowed."""
        super().apply(body, status)
        if self._allowed is not None:
            json_body.allow(body, self._allowed)

    def changed(self, request: Request, response: Response, text: bytes) -> bytes:
        """Return a body after changes and functions; raises ``RequestRejected`` when one fails."""
        changed = super().changed(request, response, text)
        if self._lua is None or response.status not in self._transformed:
            return changed
        names = self.config.transform.json
        if not names:
            try:
                json_text.check(changed, DEEPEST)
            except ValueError:
                return changed
            return self._run(changed, request)
        try:
            body = JsonObject(changed)
        except BodyUnreadable:
            return changed
        for name in names:
            body.edit(
                self._path(name), lambda old: None if old is None else self._run(old, request)
            )
        return body.encode()

    def _run(self, text: bytes, request: Request) -> bytes:
        assert self._lua is not None
        return self._lua.change(self._lua.load(text), request, len(text), text=False)
