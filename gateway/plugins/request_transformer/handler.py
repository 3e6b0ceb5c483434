# SPDX-License-Identifier: Apache-2.0
"""Change a request in the access phase: path, method, headers, body, query, in this order."""

from __future__ import annotations

from functools import partial
from typing import Any

from gateway.errors import BodyUnreadable
from gateway.http import changes
from gateway.http.log_ids import named
from gateway.http.messages import Request
from gateway.logs import get_logger
from gateway.plugins.base import Handler, PluginContext
from gateway.plugins.transformations import json_body
from gateway.plugins.transformations.arguments import Changes, change_arguments, changes_of
from gateway.plugins.transformations.headers import HeaderChanges
from gateway.plugins.transformations.json_body import JsonPair
from gateway.plugins.transformations.json_objects import JsonObject, path_of
from gateway.plugins.transformations.multipart import change_parts
from gateway.plugins.transformations.templates import Rendering, Templates, Value

_log = get_logger("gateway.plugins")
_JSON = b"application/json"
_FORM = b"application/x-www-form-urlencoded"
_MULTIPART = b"multipart/form-data"
_WITHOUT_BODY = ("GET", "HEAD", "TRACE")


class RequestTransformer(Handler):
    """One configuration; the subclass for ``-advanced`` adds types, paths and what is allowed."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self._templates = templates = Templates(allowed=context.lua_allowed)
        self._headers = HeaderChanges(config, templates)
        self._query = changes_of(config, "querystring", templates)
        self._body = changes_of(config, "body", templates)
        uri = config.replace.uri
        self._uri = None if uri is None else templates.value(uri)
        self._adds_query = uri is not None and "?" in uri
        self._method = None if config.http_method is None else config.http_method.encode()
        self._moves_form = config.http_method in _WITHOUT_BODY
        allowed = getattr(config, "allow", None)
        self._allowed = None if allowed is None else allowed.body
        self._nested = not getattr(config, "dots_in_keys", True)
        self._changes_body = self._body is not None or self._allowed is not None
        self.needs_body = self._changes_body or self._moves_form

    def access(self, request: Request) -> None:
        """Change the request; raises ``RequestRejected`` (500) when a template fails."""
        rendering = Rendering(self._templates, request)
        if self._uri is not None:
            path = self._uri(rendering)
            if not self._adds_query:
                path = path.replace(b"?", b"%3F")
            if path:
                changes.set_path(request, path)
        if self._method is not None:
            changes.set_method(request, self._method)
            if self._moves_form and _kind(request) == _FORM and request.body:
                parts = [part for part in (request.query, request.body) if part]
                changes.set_query(request, b"&".join(parts))
        if self._headers.any:
            self._headers.apply(request, rendering)
        if self._changes_body:
            self._change_body(request, rendering)
        if self._query is not None:
            query = change_arguments(request.query or b"", self._query, rendering)
            if query != (request.query or b""):
                changes.set_query(request, query)

    def _change_body(self, request: Request, rendering: Rendering) -> None:
        kind = _kind(request)
        try:
            if kind == _JSON:
                body = self._changed_json(request.body, rendering)
            elif kind == _FORM:
                body = self._changed_form(request.body, rendering)
            elif kind == _MULTIPART and self._body is not None:
                content_type = request.header(b"content-type") or b""
                body = change_parts(request.body, content_type, self._body, rendering)
            else:
                return
        except BodyUnreadable as error:
            _log.debug("body not changed", **named(request), problem=str(error))
            return
        if body != request.body:
            changes.set_body(request, body)

    def _changed_form(self, body: bytes, rendering: Rendering) -> bytes:
        made = self._body
        if not body and made is not None:
            made = made._replace(remove=[], rename=[], replace=[])
        return body if made is None else change_arguments(body, made, rendering)

    def _changed_json(self, text: bytes, rendering: Rendering) -> bytes:
        body = JsonObject(text or b"{}")
        if self._body is not None:
            self._apply(body, self._body, rendering)
        if self._allowed is not None:
            json_body.allow(body, self._allowed)
        after = body.encode()
        return text if not text and after == b"{}" else after

    def _apply(self, body: JsonObject, made: Changes, rendering: Rendering) -> None:
        path = partial(path_of, nested=self._nested)
        config = self.config
        json_body.remove(body, map(path, made.remove))
        json_body.rename(body, [(path(old), path(new)) for old, new in made.rename])
        json_body.replace(body, self._pairs(made.replace, config.replace, rendering))
        json_body.add(body, self._pairs(made.add, config.add, rendering))
        json_body.append(body, self._pairs(made.append, config.append, rendering))

    def _pairs(
        self, pairs: list[tuple[str, Value]], part: Any, rendering: Rendering
    ) -> list[JsonPair]:
        kinds = getattr(part, "json_types", ())
        return [
            JsonPair(
                path_of(name, nested=self._nested),
                partial(value, rendering),
                kinds[place] if place < len(kinds) else None,
            )
            for place, (name, value) in enumerate(pairs)
        ]


def _kind(request: Request) -> bytes | None:
    """Return which of the kinds of bodies the request says it has."""
    found = (request.header(b"content-type") or b"").lower()
    if request.header(b"content-encoding") not in (None, b"", b"identity"):
        return None
    for kind in (_JSON, _MULTIPART, _FORM):
        if kind in found:
            return kind
    return None
