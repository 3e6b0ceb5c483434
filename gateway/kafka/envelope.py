# SPDX-License-Identifier: Apache-2.0
"""The JSON object that a request becomes (kafka-plugins.md §2.2 to §2.5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson

from gateway.http.messages import Headers, Request
from gateway.kafka import arguments
from gateway.kafka.body import encode_json, is_json, reader

_MOST_HEADERS = 100
"""Header entries after this many are dropped."""
_MOST_NAMES = 1024

Part = Callable[[dict[str, Any], Request, bytes], None]

_names: dict[bytes, str] = {}


class EnvelopeBuilder:
    """Builds envelopes with what a plugin forwards; one for each plugin, safe to share."""

    def __init__(
        self, *, method: bool, headers: bool, uri: bool, body: bool, elements: bool = False
    ) -> None:
        """``elements``: each body is a JSON text cut out of the request's."""
        add_body = _add_element if elements else _add_body
        parts: list[tuple[bool, Part]] = [(method, _add_method), (headers, _add_headers)]
        parts += [(uri, _add_uri), (body, add_body)]
        self._parts = tuple(part for wanted, part in parts if wanted)
        self._only_body = self._parts == (_add_body,)

    def build(self, request: Request, body: bytes) -> dict[str, Any]:
        """Return the envelope; raises ``RequestRejected`` (400) when the body cannot be read.

        ``body`` is that of the request, or one record's where a request carries many.
        """
        envelope: dict[str, Any] = {}
        for part in self._parts:
            part(envelope, request, body)
        return envelope

    def encode(self, request: Request, body: bytes) -> bytes:
        """Return the envelope as JSON."""
        if self._only_body and is_json(_content_type(request)):
            return encode_json(body)
        return orjson.dumps(self.build(request, body))


def plain(envelope: dict[str, Any]) -> dict[str, Any]:
    """Return an envelope without embedded JSON text, for code that wants to look into it."""
    found: dict[str, Any] = orjson.loads(orjson.dumps(envelope))
    return found


def header_table(headers: Headers) -> dict[str, str | list[str]]:
    """Return headers by lower-case name; repeated ones as a list in arrival order."""
    found: dict[str, str | list[str]] = {}
    names = _names
    for raw, content in headers if len(headers) <= _MOST_HEADERS else headers[:_MOST_HEADERS]:
        name = names.get(raw) or _name(raw)
        try:
            value = content.decode()
        except UnicodeDecodeError:
            value = content.decode("latin-1")
        if name not in found:
            found[name] = value
            continue
        before = found[name]
        if isinstance(before, list):
            before.append(value)
        else:
            found[name] = [before, value]
    return found


def _name(raw: bytes) -> str:
    name = raw.decode("latin-1")
    if len(_names) < _MOST_NAMES:
        _names[raw] = name
    return name


def _add_method(envelope: dict[str, Any], request: Request, body: bytes) -> None:
    envelope["method"] = request.method.decode("latin-1")


def _add_headers(envelope: dict[str, Any], request: Request, body: bytes) -> None:
    envelope["headers"] = header_table(request.headers)


def _add_uri(envelope: dict[str, Any], request: Request, body: bytes) -> None:
    # As the client sent it: neither the prefix stripped nor anything decoded.
    envelope["uri"] = request.target.decode("utf-8", "replace")
    envelope["uri_args"] = arguments.parse(request.query)


def _add_body(envelope: dict[str, Any], request: Request, body: bytes) -> None:
    content_type = _content_type(request)
    reader(content_type)(envelope, body, content_type or b"")


def _content_type(request: Request) -> bytes | None:
    for name, value in request.headers:
        if name == b"content-type":
            return value
    return None


def _add_element(envelope: dict[str, Any], request: Request, body: bytes) -> None:
    envelope["body"] = body.decode()
    envelope["body_args"] = orjson.Fragment(body)
