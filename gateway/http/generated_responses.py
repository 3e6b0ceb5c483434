# SPDX-License-Identifier: Apache-2.0
"""Responses that the gateway generates: status texts, and bodies in the type the client accepts.

Texts follow Kong's error handlers, bodies carry the message only: the request id is in a header.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from html import escape

import orjson

from gateway.errors import RequestRejected, UpstreamError
from gateway.http.log_ids import named
from gateway.http.messages import FixedResponse, Request, Response
from gateway.logs import Logger

JSON = b"application/json; charset=utf-8"
TEXT = b"text/plain; charset=utf-8"
HTML = b"text/html; charset=utf-8"
XML = b"application/xml; charset=utf-8"
GRPC = b"application/grpc"

MESSAGES = {
    400: "Bad request",
    404: "Not found",
    405: "Method not allowed",
    408: "Request timeout",
    411: "Length required",
    412: "Precondition failed",
    413: "Payload too large",
    414: "URI too long",
    417: "Expectation failed",
    431: "Request header or cookie too large",
    494: "Request header or cookie too large",
    500: "An unexpected error occurred",
    502: "An invalid response was received from the upstream server",
    503: "The upstream server is currently unavailable",
    504: "The upstream server is timing out",
}
"""Texts for a status without a text of its own; use ``message_of`` for any status."""

NO_ROUTE = "no Route matched with those values"
HIDDEN_DOTS = "the path has a dot segment beside an encoded slash, a backslash or a semicolon"
NO_SERVICE = "no Service found with those values"

_TYPES = {
    b"application/json": JSON,
    b"text/plain": TEXT,
    b"text/html": HTML,
    b"application/xml": XML,
    b"text/xml": XML,
    b"application/grpc": GRPC,
    b"text/*": TEXT,
    b"application/*": JSON,
    b"*/*": JSON,
}
_QUALITY = re.compile(rb";\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*(?:;|$)", re.IGNORECASE)

_ALLOW = ((b"Allow", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),)

_HTML_PAGE = """<!doctype html>
<html>
  <head>
    <meta charset="utf-8">
    <title>Error</title>
  </head>
  <body>
    <h1>Error</h1>
    <p>{}.</p>
  </body>
</html>
"""
_XML_PAGE = """<?xml version="1.0" encoding="UTF-8"?>
<error>
  <message>{}</message>
</error>
"""
# The numbers of google.rpc.Code that stand for an HTTP status; 2 is UNKNOWN.
_GRPC_STATUS = {400: 3, 401: 16, 403: 7, 404: 5, 408: 4, 409: 10, 412: 9, 413: 8, 429: 8}
_GRPC_STATUS |= {500: 13, 502: 14, 503: 14, 504: 4}


def message_of(status: int) -> str:
    """Return the text of a status that the gateway sends by itself."""
    return MESSAGES.get(status) or f"The upstream server responded with {status}"


_OF_PLUGINS = {
    400: "Bad request",
    401: "Unauthorized",
    402: "Payment required",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    408: "Request timeout",
    409: "Conflict",
    410: "Gone",
    411: "Length required",
    412: "Precondition failed",
    413: "Payload too large",
    414: "URI too long",
    415: "Unsupported media type",
    417: "Expectation failed",
    422: "Unprocessable entity",
    426: "Upgrade required",
    429: "Too many requests",
    501: "Not implemented",
}


def plugin_message(status: int) -> str:
    """Return the text of a status that a plugin sends without one (Kong's ``response.error``)."""
    return _OF_PLUGINS.get(status) or message_of(status)


def error_response(
    status: int,
    message: str,
    request: Request | None = None,
    headers: Sequence[tuple[bytes, bytes]] = (),
) -> Response:
    """Return a fresh error response in the type that the request accepts; may be changed."""
    if request is None:
        return _with_body(Response, status, message, JSON, headers)
    content_type = negotiate(request.header(b"accept")) or _type_of_caller(request)
    return _with_body(Response, status, message, content_type, headers)


def _type_of_caller(request: Request) -> bytes:
    """Return gRPC's type for a gRPC call, which has no Accept; else JSON."""
    content_type = request.header(b"content-type") or b""
    return GRPC if content_type.startswith(GRPC) else JSON


def fixed_response(status: int, message: str, request: Request) -> FixedResponse:
    """Return the same as ``error_response`` from a cache: for hot paths, never to be changed."""
    for name, value in request.headers:
        if name == b"accept":
            return _negotiated(status, message, value)
    return _negotiated(status, message, None)


def refusal(
    status: int, request: Request, default_type: bytes = TEXT, message: str | None = None
) -> FixedResponse:
    """Return the response to a request that broke a rule of the server itself, before routing.

    The type follows Accept, else the request's own Content-Type, else ``default_type``
    (setting ``error_default_type``), as in Kong's error handlers.
    """
    content_type = negotiate(request.header(b"accept"))
    if content_type is None:
        content_type = _TYPES.get(_media_type(request.header(b"content-type") or b""))
    return _fixed(status, message or message_of(status), content_type or default_type)


def json_response(
    status: int, message: str, headers: Sequence[tuple[bytes, bytes]] = ()
) -> Response:
    """Return ``{"message": …}`` whatever the client accepts, as plugins respond."""
    return _with_body(Response, status, message, JSON, headers)


def failure_response(error: Exception, request: Request, log: Logger, event: str) -> Response:
    """Return the response for an exception: what it says itself, else 500 and a log line."""
    if isinstance(error, RequestRejected | UpstreamError):
        return error_response(error.status, error.message, request)
    log.error(event, **named(request), exc_info=error)
    return json_response(500, message_of(500))


@lru_cache(maxsize=512)
def negotiate(accept: bytes | None) -> bytes | None:
    """Return the Content-Type for an Accept header; None when it names nothing we can make.

    The highest q wins, among equals the first; q=0 excludes.
    """
    if accept is None:
        return None
    best, best_quality = None, 0.0
    for part in accept[:1024].split(b","):
        found = _TYPES.get(_media_type(part))
        if found is None:
            continue
        match = _QUALITY.search(part)
        quality = min(float(match[1]), 1.0) if match else 1.0
        if quality > best_quality:
            best, best_quality = found, quality
    return best


def body_of(message: str, content_type: bytes) -> bytes:
    """Return the body of an error response."""
    if content_type == JSON:
        return orjson.dumps({"message": message})
    if content_type == HTML:
        return _HTML_PAGE.format(escape(message)).encode()
    if content_type == XML:
        return _XML_PAGE.format(escape(message)).encode()
    if content_type == GRPC:
        return b""
    return message.encode() + b"\n"


@lru_cache(maxsize=1024)
def _negotiated(status: int, message: str, accept: bytes | None) -> FixedResponse:
    return _fixed(status, message, negotiate(accept) or JSON)


@lru_cache(maxsize=1024)
def _fixed(status: int, message: str, content_type: bytes) -> FixedResponse:
    # RFC 9110 section 15.5.6: a 405 says what is allowed. Here it is TRACE, or CONNECT.
    extra = _ALLOW if status == 405 else ()
    response = _with_body(FixedResponse, status, message, content_type, extra)
    assert isinstance(response, FixedResponse)
    return response


def _with_body(
    kind: type[Response],
    status: int,
    message: str,
    content_type: bytes,
    extra: Sequence[tuple[bytes, bytes]],
) -> Response:
    headers = [(b"Content-Type", content_type), *extra]
    if content_type == GRPC:
        # gRPC carries its outcome in trailers or, as here, in a head without a body.
        headers.append((b"grpc-status", b"%d" % _GRPC_STATUS.get(status, 2)))
        headers.append((b"grpc-message", message.encode()))
    return kind(status, headers, body_of(message, content_type))


def _media_type(value: bytes) -> bytes:
    return value.partition(b";")[0].strip().lower()
