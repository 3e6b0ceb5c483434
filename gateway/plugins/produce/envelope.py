# SPDX-License-Identifier: Apache-2.0
"""The JSON object that a request becomes, with Kong's names of its members."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import orjson

from gateway import native
from gateway.errors import BodyUnreadable, RequestRejected
from gateway.http import arguments
from gateway.http.headers import Headers
from gateway.http.messages import Request
from gateway.plugins.produce.body import encode_json, is_coded, is_json, reader

_MOST_HEADERS = 100
"""Header entries after this many are dropped."""
_MOST_NAMES = 1024
_DEEPEST = 1000

Part = Callable[[dict[str, Any], Request, bytes], None]

_names: dict[bytes, str] = {}
_not_ascii = re.compile(rb"[\x80-\xff]")


class Texts(Protocol):
    """Makes records' values of the JSON texts that one request carries."""

    def size(self, text: bytes) -> int:
        """Return how many bytes the value will have."""
        ...

    def encode(self, text: bytes) -> bytes:
        """Return the value."""
        ...


class EnvelopeBuilder:
    """Builds envelopes with what a plugin forwards; one for each plugin, safe to share."""

    def __init__(
        self,
        *,
        method: bool,
        headers: bool,
        uri: bool,
        body: bool,
        elements: bool = False,
        deepest: int = _DEEPEST,
    ) -> None:
        """``elements``: each body is a JSON text cut out of the request's, and checked."""
        self._deepest = deepest
        add_body: Part = _add_element if elements else partial(_add_body, deepest)
        parts: list[tuple[bool, Part]] = [(method, _add_method), (headers, _add_headers)]
        parts += [(uri, _add_uri), (body, add_body)]
        self._parts = tuple(part for wanted, part in parts if wanted)
        self._shared = tuple(part for part in self._parts if part is not add_body)
        self._only_body = not self._shared and body and not elements
        self._method, self._headers, self._uri, self._body = method, headers, uri, body

    def build(self, request: Request, body: bytes) -> dict[str, Any]:
        """Return the envelope; raises ``RequestRejected`` when the body cannot be read.

        ``body`` is that of the request, or one record's where a request carries many.
        """
        envelope: dict[str, Any] = {}
        for part in self._parts:
            part(envelope, request, body)
        return envelope

    def encode(self, request: Request, body: bytes) -> bytes:
        """Return the envelope as JSON."""
        made = native.envelope(
            request.headers,
            self._headers,
            request.method if self._method else None,
            request.target if self._uri else None,
            body if self._body else None,
            self._deepest,
        )
        return self.reference(request, body) if made is None else made

    def reference(self, request: Request, body: bytes) -> bytes:
        """Return the envelope as JSON, whatever the request is: what the native twin does too."""
        if self._only_body and is_json(_content_type(request)):
            return encode_json(body, self._deepest)
        return orjson.dumps(self.build(request, body))

    def of(self, request: Request) -> Texts:
        """Return what makes envelopes of this request's elements; what they share is made once."""
        shared: dict[str, Any] = {}
        for part in self._shared:
            part(shared, request, b"")
        return _Elements(orjson.dumps(shared), self._body)


class _Elements:
    """See ``Texts``: ``{…,"body":"<the text>","body_args":<the text>}``."""

    def __init__(self, shared: bytes, body: bool) -> None:
        self._whole = shared
        self._head = shared[:-1] + (b',"body":' if len(shared) > 2 else b'"body":')
        self._body = body
        self._fixed = len(self._head) + len(b'"","body_args":}')

    def size(self, text: bytes) -> int:
        if not self._body:
            return len(self._whole)
        count = text.count
        # What a string needs a backslash for, of what may stand in a JSON text.
        escaped = count(b'"') + count(b"\\") + count(b"\n") + count(b"\r") + count(b"\t")
        return self._fixed + 2 * len(text) + escaped

    def encode(self, text: bytes) -> bytes:
        if not self._body:
            return self._whole
        return b"".join((self._head, orjson.dumps(text.decode()), b',"body_args":', text, b"}"))


class RawTexts:
    """See ``Texts``: the values are the texts themselves."""

    size = staticmethod(len)

    @staticmethod
    def encode(text: bytes) -> bytes:
        """Return the text."""
        return text


def content_coding(request: Request) -> str:
    """Return the request's Content-Encoding as it was sent; empty when it changes nothing."""
    given = b", ".join(request.header_values(b"content-encoding"))
    return given.decode("latin-1") if is_coded(given) else ""


def encoded(coding: str) -> RequestRejected:
    """Return the refusal of a body that is encoded and would have to be read."""
    return RequestRejected(
        415, f"the body has Content-Encoding: {coding[:100]}; send it without, as it is read here"
    )


def header_table(headers: Headers) -> dict[str, str | list[str]]:
    """Return headers by lower-case name; repeated ones as a list in arrival order."""
    names = _names
    try:
        # Nearly always: names that are known, each once, and values in UTF-8.
        usual: dict[str, str | list[str]] = {names[raw]: text.decode() for raw, text in headers}
        if len(usual) == len(headers) <= _MOST_HEADERS:
            return usual
    except (KeyError, UnicodeDecodeError):
        pass
    return _any_headers(headers)


def _any_headers(headers: Headers) -> dict[str, str | list[str]]:
    """Return what ``header_table`` does, whatever the headers are."""
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
    envelope["method"] = (request.upstream_method or request.method).decode("latin-1")


def _add_headers(envelope: dict[str, Any], request: Request, body: bytes) -> None:
    envelope["headers"] = header_table(request.headers)


def _add_uri(envelope: dict[str, Any], request: Request, body: bytes) -> None:
    # As the client sent it: neither the prefix stripped nor anything decoded.
    envelope["uri"] = _target(request.target)
    envelope["uri_args"] = arguments.parse(request.query)


def _add_body(deepest: int, envelope: dict[str, Any], request: Request, body: bytes) -> None:
    content_type = _content_type(request)
    fill = reader(content_type)
    fill(envelope, body, content_type or b"", deepest)
    if "body_base64" in envelope and fill is not reader(None) and content_coding(request):
        raise BodyUnreadable("the request's body cannot be read as text")


def _target(target: bytes) -> str:
    try:
        return target.decode()
    except UnicodeDecodeError:
        return _not_ascii.sub(lambda found: b"%%%02X" % found[0][0], target).decode()


def _content_type(request: Request) -> bytes | None:
    for name, value in request.headers:
        if name == b"content-type":
            return value
    return None


def _add_element(envelope: dict[str, Any], request: Request, body: bytes) -> None:
    envelope["body"] = body.decode()
    envelope["body_args"] = orjson.Fragment(body)


def raw(request: Request, body: bytes) -> bytes:
    """Return the body as it is, for records without an envelope."""
    return body
