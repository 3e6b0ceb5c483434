# SPDX-License-Identifier: Apache-2.0
"""Headers in the header phase, JSON in the body phase, as a whole."""

from __future__ import annotations

from functools import partial
from typing import Any

from gateway.errors import BodyUnreadable
from gateway.http.log_ids import named
from gateway.http.messages import Request, Response
from gateway.logs import get_logger
from gateway.plugins.base import Handler, PluginContext
from gateway.plugins.response_transformer.response_headers import ResponseHeaderChanges
from gateway.plugins.transformations import json_body
from gateway.plugins.transformations.content_coding import can_decode, decode
from gateway.plugins.transformations.entries import split
from gateway.plugins.transformations.json_body import JsonPair
from gateway.plugins.transformations.json_objects import FALSE, JsonObject, path_of
from gateway.plugins.transformations.statuses import Statuses

_log = get_logger("gateway.plugins")
_LARGEST = 10 * 1024**2
"""Bytes of a body that is changed, decoded."""
_PARTS = ("remove", "rename", "replace", "add", "append")


class ResponseTransformer(Handler):
    """One configuration."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self._state = type(self).__name__
        """In a request's context: the coding of the body that is to be changed."""
        self._headers = ResponseHeaderChanges(config)
        self._nested = not getattr(config, "dots_in_keys", True)
        self._limits = {
            part: Statuses(getattr(getattr(config, part), "if_status", ())) for part in _PARTS
        }
        self._path = partial(path_of, nested=self._nested)
        self._removed = [self._path(split(entry)[0]) for entry in config.remove.json]
        renamed = [split(entry) for entry in getattr(config.rename, "json", ())]
        self._renamed = [(self._path(old), self._path(new)) for old, new in renamed]
        self._replaced, self._added, self._appended = (
            self._pairs(part) for part in (config.replace, config.add, config.append)
        )
        self._reads_json = self._wants_json()
        if not self._reads_json:
            self.skips = ("access", "body_filter", "whole_body")

    def _wants_json(self) -> bool:
        """Whether any change is one of a JSON body."""
        return bool(
            self._removed or self._renamed or self._replaced or self._added or self._appended
        )

    def access(self, request: Request) -> None:
        """Ask for a body that can be read."""
        request.plain_response = True

    def header_filter(self, request: Request, response: Response) -> None:
        """Change headers, and see whether the body is one to be changed."""
        headers = response.headers
        if self._reads_json and self._concerns(request, response):
            coding = _value(headers, b"content-encoding").lower()
            if self._takes(coding, response):
                request.context = {**(request.context or {}), self._state: coding}
                drop = {b"content-encoding"}
                if request.method == b"HEAD" and not response.generated:
                    # That of a body which is not sent: after the changes it would be another.
                    drop.add(b"content-length")
                headers = [pair for pair in headers if pair[0].lower() not in drop]
            else:
                _log.warning(
                    "response not changed: its Content-Encoding cannot be undone",
                    **named(request),
                    coding=coding[:100],
                )
        if self._headers.any:
            headers = self._headers.apply(headers, response.status)
        response.headers = headers

    def whole_body(self, request: Request, response: Response) -> int:
        """Hold a body that is to be changed."""
        return _LARGEST if request.context is not None and self._state in request.context else 0

    def body_filter(self, request: Request, response: Response, chunk: bytes, last: bool) -> bytes:
        """Change a body; raises ``UpstreamError`` (502) for a coding that is broken."""
        if request.context is None or self._state not in request.context or not chunk:
            return chunk
        return self.changed(
            request, response, decode(chunk, request.context[self._state], _LARGEST)
        )

    def changed(self, request: Request, response: Response, text: bytes) -> bytes:
        """Return a JSON object with the changes, anything else as it is."""
        try:
            body = JsonObject(text)
        except BodyUnreadable as error:
            _log.warning("response not changed", **named(request), problem=str(error))
            return text
        self.apply(body, response.status)
        return body.encode()

    def apply(self, body: JsonObject, status: int) -> None:
        """Make the changes for a status."""
        limits = self._limits
        if status in limits["remove"]:
            json_body.remove(body, self._removed)
        if status in limits["rename"]:
            json_body.rename(body, self._renamed)
        if status in limits["replace"]:
            json_body.replace(body, self._replaced, FALSE)
        if status in limits["add"]:
            json_body.add(body, self._added, FALSE)
        if status in limits["append"]:
            json_body.append(body, self._appended)

    def _takes(self, coding: str, response: Response) -> bool:
        """Whether a body of this coding can be changed."""
        return can_decode(coding)

    def _concerns(self, request: Request, response: Response) -> bool:
        """Whether the response has a JSON body."""
        if response.status < 200 or response.status in (204, 304):
            return False
        kind = _value(response.headers, b"content-type").lower()
        return "application/json" in kind or kind.partition(";")[0].strip().endswith("+json")

    def _pairs(self, part: Any) -> list[JsonPair]:
        found = [split(entry) for entry in part.json]
        kinds = part.json_types
        return [
            JsonPair(self._path(name), value.encode, kinds[at] if at < len(kinds) else None)
            for at, (name, value) in enumerate(found)
        ]


def _value(headers: list[tuple[bytes, bytes]], name: bytes) -> str:
    """Return a header's values as one."""
    found = [value for key, value in headers if key.lower() == name]
    return b", ".join(found).strip().decode("latin-1")
