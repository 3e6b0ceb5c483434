# SPDX-License-Identifier: Apache-2.0
"""What Lua finds below ``ngx`` in the phases of a request: the part of OpenResty's API that is used
to end requests, and to read them. What it sets of a request goes the way of Kong's PDK.
"""

from __future__ import annotations

import hashlib
import os
from base64 import b64decode, b64encode
from collections.abc import Callable
from time import time
from typing import Any, Protocol
from urllib.parse import quote_from_bytes, unquote_to_bytes

from gateway.http.changes import as_value
from gateway.http.generated_responses import MESSAGES, refusal
from gateway.http.headers import Headers
from gateway.http.messages import Request, Response
from gateway.plugins.lua.reads import READS, VARIABLES, header_value

_MOST_SAID = 1024**2
"""Bytes of a body that chunks may write."""


class EarlyPhase(Protocol):
    """What is asked of a phase of a request (``phase.Phase``)."""

    name: str
    request: Request
    response: Response | None
    exit: Response | None
    headers: Headers
    status: int
    said: bytes | None
    done: bool

    def early(self) -> Request:
        """Return the request while it can be changed; raises ``ValueError`` later."""


def variable(phase: EarlyPhase, name: Any = None) -> Any:
    """Return one of nginx's variables; None for one that there is not."""
    if not isinstance(name, bytes):
        return None
    request = phase.request
    if name.startswith(b"http_"):
        return header_value(request.headers, name[5:].replace(b"_", b"-"))
    if name.startswith(b"arg_"):
        return READS["request.get_query_arg"](request, name[4:])
    read = VARIABLES.get(name)
    return None if read is None else READS[read](request)


def get_status(phase: EarlyPhase) -> int:
    """Return the response's status, before there is one what was set, or 0 as in nginx."""
    return phase.status if phase.response is None else phase.response.status


def set_status(phase: EarlyPhase, status: Any = None) -> None:
    """Set the status of the response that the chunks make, or of the one that there is."""
    code = _code(status)
    if phase.response is None:
        phase.early()
        phase.status = code
    elif phase.name == "header_filter":
        phase.response.status = code
    else:
        raise ValueError("attempt to set ngx.status after sending out response headers")


def say(phase: EarlyPhase, text: Any = b"") -> None:
    """Write a part of the response's body; the request is then not passed on."""
    phase.early()
    if not isinstance(text, bytes):
        raise ValueError("bad argument to ngx.say")
    if phase.said is None:
        phase.said = b""
        phase.status = phase.status or 200
    phase.said += text
    if len(phase.said) > _MOST_SAID:
        raise ValueError("the body is too large")


def end(phase: EarlyPhase, status: Any = None) -> None:
    """End the request: with what was written, or with nginx's own page for the status.

    ``ngx.OK`` ends the phase alone.
    """
    request = phase.early()
    if phase.said is not None:
        phase.exit = said(phase)
        return
    if status == 0:
        phase.done = True
        return
    code = _code(status)
    if code in MESSAGES:
        page = refusal(code, request)
        phase.exit = Response(code, [*page.headers, *phase.headers], page.body)
    else:
        phase.exit = Response(code, phase.headers, b"")


def redirect(phase: EarlyPhase, location: Any = None, status: Any = 302) -> None:
    """End the request with a redirection."""
    phase.early()
    code = 302 if status is None else _code(status)
    if code not in (301, 302, 303, 307, 308):
        raise ValueError("only ngx.HTTP_MOVED_PERMANENTLY, 302, 303, 307 and 308 are allowed")
    where = (b"Location", as_value(_bytes(location)))
    phase.exit = Response(code, [*phase.headers, where], b"")


def said(phase: EarlyPhase) -> Response:
    """Return the response with the body that the chunks of a phase have written."""
    return Response(phase.status, phase.headers, phase.said or b"")


def _code(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 200 <= value <= 599:
        raise ValueError("status must be a number between 200 and 599")
    return int(value)


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    raise ValueError("string expected")


def _decoded(text: Any) -> bytes | None:
    try:
        return b64decode(_bytes(text), validate=True)
    except ValueError:
        return None


NGX: dict[str, Callable[..., Any]] = {
    "ngx.now": lambda _: time(),
    "ngx.var": variable,
    "ngx.status": get_status,
    "ngx.set_status": set_status,
    "ngx.print": say,
    "ngx.exit": end,
    "ngx.redirect": redirect,
    "ngx.worker.pid": lambda _: os.getpid(),
    "ngx.md5": lambda _, text=None: hashlib.md5(_bytes(text), usedforsecurity=False).hexdigest(),
    "ngx.encode_base64": lambda _, text=None: b64encode(_bytes(text)),
    "ngx.decode_base64": lambda _, text=None: _decoded(text),
    "ngx.escape_uri": lambda _, text=None: quote_from_bytes(_bytes(text), safe=""),
    "ngx.unescape_uri": lambda _, text=None: unquote_to_bytes(_bytes(text).replace(b"+", b" ")),
}
"""The functions by their names."""
