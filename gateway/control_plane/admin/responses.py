# SPDX-License-Identifier: Apache-2.0
"""JSON bodies of requests and responses, and the responses to exceptions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from gateway.control_plane.admin.forms import MULTIPART, URLENCODED, infer, read_form
from gateway.control_plane.admin.kong_errors import UNEXPECTED, kong_error
from gateway.control_plane.admin.paths import LiteralRoute, shown_path
from gateway.documents.tree import plain
from gateway.entities.shape import Shape
from gateway.errors import GatewayError, RequestRejected, StoreError
from gateway.logs import get_logger

MAX_BODY = 64 * 1024**2
"""Largest body the Admin API reads, in bytes."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110 section 9.2.1)."""
_MESSAGES = {404: "Not found", 405: "Method not allowed", 413: "Payload too large"}

_log = get_logger("gateway.control_plane.admin")

Handler = Callable[[Request, Exception], Awaitable[Response]]


def respond(status: int, body: Any = None, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON response; without a body for None."""
    if body is None:
        return Response(status_code=status, headers=headers)
    content = orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS)
    return Response(content, status, headers, media_type="application/json; charset=utf-8")


async def read_object(
    request: Request, shape: Callable[[Mapping[str, Any]], Shape] | None = None
) -> dict[str, Any]:
    """Return the body, a JSON object; none at all is an empty one.

    With ``shape``, what a body should be like, it may be a form, from callers with a token, and
    1.0 is 1, as Lua has it, which knows no integers.
    Raises ``RequestRejected``: 400 when it cannot be parsed, 415 for another media type.
    """
    content = await request.body()
    if not content:
        return {}
    given = request.headers.get("content-type", "")
    media = given.partition(";")[0].strip()
    # Also when it is absent: a page in any browser can send such a body to any address, and a
    # form; but no page knows the token.
    if shape is not None and media.lower() in (URLENCODED, MULTIPART):
        if not request.state.identity.proven:
            raise RequestRejected(
                415, f'content type "{media}": send application/json, or an admin token with it'
            )
        form = read_form(content, given)
        request.state.body = form
        return {name: infer(value, _field(shape(form), name)) for name, value in form.items()}
    if media.lower() != "application/json":
        raise RequestRejected(415, f'content type "{media}": send application/json')
    try:
        body = orjson.loads(content)
    except ValueError:
        raise RequestRejected(400, "Cannot parse JSON body") from None
    if not isinstance(body, dict):
        raise RequestRejected(400, "Cannot parse JSON body: expected an object")
    request.state.body = body
    try:
        return body if shape is None else plain(body)
    except RecursionError:
        # orjson reads twice as many levels as Python's own code goes; no entity has a tenth.
        raise RequestRejected(400, "Cannot parse JSON body: nested too deeply") from None


def warning(text: str) -> str:
    """Return a value of the header Warning (RFC 7234 section 5.5): 299 stays until it is mended."""
    plain = text.encode("ascii", "backslashreplace").decode()
    escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
    return f'299 kafka-gateway "{escaped}"'


def _methods(request: Request) -> list[str]:
    """Return the methods of all routes of a path, OPTIONS among them."""
    found = {"OPTIONS"}
    for route in request.app.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            found |= route.methods or set()
            if isinstance(route, LiteralRoute):
                break
    return sorted(found)


def _field(shape: Shape, name: str) -> Shape:
    return (shape.fields or {}).get(name, Shape("any"))


async def _gateway_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, GatewayError)
    status, body = kong_error(error)
    if status >= 500:
        failed = "database failed" if isinstance(error, StoreError) else "request failed"
        _log.error(failed, path=shown_path(request.scope["path"]), reason=str(error))
    headers = {"Retry-After": "1"} if status == 503 else None
    if status == 405:
        # What Kong can do there and this gateway cannot is not allowed.
        headers = {"Allow": ", ".join(one for one in _methods(request) if one in SAFE)}
    return respond(status, body, headers)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        allowed = {"Allow": ", ".join(_methods(request))}
        if request.method == "OPTIONS":
            return respond(204, headers=allowed)
        return respond(405, {"message": _MESSAGES[405]}, allowed)
    message = _MESSAGES.get(error.status_code, str(error.detail))
    return respond(error.status_code, {"message": message}, error.headers)


async def _bug(request: Request, error: Exception) -> Response:
    return respond(500, {"message": UNEXPECTED})


EXCEPTION_HANDLERS: dict[Any, Handler] = {
    GatewayError: _gateway_error,
    HTTPException: _http_error,
    Exception: _bug,
}
