# SPDX-License-Identifier: Apache-2.0
"""JSON bodies of requests and responses, and the responses to exceptions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.control_plane.admin.kong_errors import UNEXPECTED, kong_error
from gateway.errors import GatewayError, RequestRejected, StoreError
from gateway.logs import get_logger

MAX_BODY = 64 * 1024**2
"""Largest body the Admin API reads, in bytes."""

_MESSAGES = {404: "Not found", 405: "Method not allowed", 413: "Payload too large"}

_log = get_logger("gateway.control_plane.admin")

Handler = Callable[[Request, Exception], Awaitable[Response]]


def respond(status: int, body: Any = None, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON response; without a body for None."""
    if body is None:
        return Response(status_code=status, headers=headers)
    content = orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS)
    return Response(content, status, headers, media_type="application/json; charset=utf-8")


async def read_object(request: Request) -> dict[str, Any]:
    """Return the body, a JSON object; none at all is an empty one.

    Raises ``RequestRejected``: 400 when it cannot be parsed, 415 for another media type.
    """
    content = await request.body()
    if not content:
        return {}
    media = request.headers.get("content-type", "").partition(";")[0].strip()
    # Also when it is absent: a page in any browser can send such a body to any address.
    if media.lower() != "application/json":
        raise RequestRejected(415, f'content type "{media}": send application/json')
    try:
        body = orjson.loads(content)
    except ValueError:
        raise RequestRejected(400, "Cannot parse JSON body") from None
    if not isinstance(body, dict):
        raise RequestRejected(400, "Cannot parse JSON body: expected an object")
    return body


async def _gateway_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, GatewayError)
    status, body = kong_error(error)
    if status >= 500:
        failed = "database failed" if isinstance(error, StoreError) else "request failed"
        _log.error(failed, path=request.url.path, reason=str(error))
    return respond(status, body, {"Retry-After": "1"} if status == 503 else None)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405 and request.method == "OPTIONS":
        return respond(204, headers=error.headers)
    message = _MESSAGES.get(error.status_code, str(error.detail))
    return respond(error.status_code, {"message": message}, error.headers)


async def _bug(request: Request, error: Exception) -> Response:
    return respond(500, {"message": UNEXPECTED})


EXCEPTION_HANDLERS: dict[Any, Handler] = {
    GatewayError: _gateway_error,
    HTTPException: _http_error,
    Exception: _bug,
}
