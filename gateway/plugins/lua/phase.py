# SPDX-License-Identifier: Apache-2.0
"""One phase of a request in which Lua runs, and what Lua may do in it: the writing half of the PDK.

Nothing that Lua sets can become a line of a head; framing and hop-by-hop headers are not its
business.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import orjson
from lupa import luajit21 as lupa

from gateway.http import changes
from gateway.http.generated_responses import JSON, error_response, plugin_message
from gateway.http.headers import FORWARDING, spellings
from gateway.http.log_ids import named
from gateway.http.messages import Request, Response
from gateway.logs import get_logger
from gateway.plugins.lua.log_fields import add_log_field
from gateway.plugins.lua.nginx import NGX
from gateway.plugins.lua.reads import READS, header_value
from gateway.plugins.lua.values import Bridge
from gateway.plugins.produce.envelope import header_table

_log = get_logger("gateway.plugins.lua")
_token = re.compile(rb"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}").fullmatch
_method = re.compile(rb"[A-Z]{1,32}").fullmatch
_FRAMING = frozenset(
    b"connection content-length date keep-alive proxy-connection te trailer transfer-encoding "
    b"upgrade".split()
)
_LONGEST_LINE = 2000
_LEVELS = {b"debug": _log.debug, b"info": _log.info, b"notice": _log.info, b"warn": _log.warning,
           b"err": _log.error, b"crit": _log.error}  # fmt: skip


class Phase:
    """What Lua works on: a request, and in the later phases its response."""

    def __init__(
        self, name: str, request: Request, response: Response | None = None, body: bytes = b""
    ) -> None:
        self.name = name
        self.request = request
        self.response = response
        self.body = body
        """In the body phase: the response's."""
        self.exit: Response | None = None
        """What ends the request."""
        self.headers: list[tuple[bytes, bytes]] = []
        """Headers for it, set before."""
        self.status = 0
        """Its status as ``ngx.status`` has it; 0: not set."""
        self.said: bytes | None = None
        """What ``ngx.say`` has written; None: nothing."""
        self.done = False
        """A chunk has ended the phase, and not the request."""

    def early(self) -> Request:
        """Return the request while it can be changed; raises ``ValueError`` later."""
        if self.name not in ("access", "rewrite"):
            raise ValueError(f"function cannot be called in {self.name} phase")
        return self.request


class Calls:
    """The functions by their names; ``phase`` is set while Lua runs."""

    def __init__(self, plugin: str) -> None:
        self.phase: Phase | None = None
        self.bridge: Bridge | None = None
        self._plugin = plugin

    def __call__(self, name: bytes, *arguments: Any) -> Any:
        """Do what Lua asks for; raises ``ValueError`` for what is wrong with it."""
        phase = self.phase
        if phase is None:
            raise ValueError("no request is being handled")
        read = READS.get(name.decode())
        if read is not None:
            return read(phase.request, *arguments)
        group, _, last = name.rpartition(b".")
        if group == b"log" and last != b"set_serialize_value":
            return self._logged(last, arguments)
        return _WRITES[name.decode()](phase, *[self._plain(value) for value in arguments])

    def _plain(self, value: Any) -> Any:
        """Return a value of Lua's as Python has it: tables as JSON."""
        if lupa.lua_type(value) == "table":
            assert self.bridge is not None
            return orjson.loads(self.bridge.to_json(value))
        return value

    def _logged(self, level: bytes, arguments: tuple[Any, ...]) -> None:
        write = _LEVELS.get(level)
        phase = self.phase
        if write is None or phase is None:
            return
        text = "".join(_shown(self._plain(value)) for value in arguments)[:_LONGEST_LINE]
        write("lua", plugin=self._plugin, **named(phase.request), text=text)


def _shown(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _name(value: Any) -> bytes:
    if not isinstance(value, bytes) or not _token(value):
        raise ValueError("header name must be a string of the characters that names may have")
    return value


def _values(value: Any) -> list[bytes]:
    """Return the values of a header; raises ``ValueError`` for what is none."""
    found = value if isinstance(value, list) else [value]
    return [changes.as_value(_text(one)) for one in found]


def _text(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, int | float):
        return b"%d" % value if float(value).is_integer() else str(value).encode()
    raise ValueError("header value must be a string, a number or a boolean")


def _set_method(phase: Phase, method: Any = None) -> None:
    if not isinstance(method, bytes) or not _method(method):
        raise ValueError("method must be a string of upper-case letters")
    changes.set_method(phase.early(), method)


def _set_path(phase: Phase, path: Any = None) -> None:
    if not isinstance(path, bytes) or path[:1] != b"/":
        raise ValueError("path must start with /")
    changes.set_path(phase.early(), path.replace(b"?", b"%3F"))


def _set_raw_query(phase: Phase, query: Any = None) -> None:
    if not isinstance(query, bytes):
        raise ValueError("query must be a string")
    changes.set_query(phase.early(), query)


def _set_query(phase: Phase, table: Any = None) -> None:
    if not isinstance(table, dict):
        if table == []:
            table = {}
        else:
            raise ValueError("args must be a table")
    changes.set_query(phase.early(), _encoded(table))


def _encoded(table: dict[str, Any]) -> bytes:
    pairs: list[str] = []
    for name in sorted(table):
        value = table[name]
        for one in value if isinstance(value, list) else [value]:
            if one is True:
                pairs.append(quote(name, safe=""))
            elif one is not False and one is not None:
                pairs.append(f"{quote(name, safe='')}={quote(_text(one), safe='')}")
    return "&".join(pairs).encode()


def _request_header(
    phase: Phase, name: Any = None, value: Any = None, *, keep: bool = False
) -> None:
    request, shown = phase.early(), _name(name)
    lower, values = shown.lower(), _values(value)
    if lower == b"host":
        changes.set_host(request, values[0])
    elif lower not in _FRAMING and lower not in FORWARDING:
        before = request.header_values(lower) if keep else []
        request.put_headers([(lower, one) for one in (*before, *values)])


def _add_request_header(phase: Phase, name: Any = None, value: Any = None) -> None:
    _request_header(phase, name, value, keep=True)


def _clear_request_header(phase: Phase, name: Any = None) -> None:
    lower = _name(name).lower()
    if lower not in _FRAMING and lower != b"host":
        changes.remove_headers(phase.early(), lower)


def _set_request_headers(phase: Phase, table: Any = None) -> None:
    for name, value in _table(table).items():
        _request_header(phase, name.encode(), value)


def _table(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    if value == []:
        return {}
    raise ValueError("headers must be a table")


def _set_raw_body(phase: Phase, body: Any = None) -> None:
    if not isinstance(body, bytes):
        raise ValueError("body must be a string")
    changes.set_body(phase.early(), body)


def _set_body(phase: Phase, table: Any = None, kind: Any = None) -> None:
    request = phase.early()
    if not isinstance(table, dict | list):
        raise ValueError("args must be a table")
    given = kind if isinstance(kind, bytes) else request.header(b"content-type") or b""
    if given.lower().startswith(b"application/x-www-form-urlencoded") and isinstance(table, dict):
        body, kind = _encoded(table), b"application/x-www-form-urlencoded"
    elif given.lower().startswith(b"application/json"):
        body, kind = orjson.dumps(table), b"application/json"
    else:
        raise ValueError(f"unsupported content type {given.decode('latin-1')}")
    changes.set_body(request, body)
    request.put_headers([(b"content-type", kind)])


def _later(phase: Phase) -> Response:
    if phase.response is None:
        raise ValueError(f"function cannot be called in {phase.name} phase")
    return phase.response


def _set_status(phase: Phase, status: Any = None) -> None:
    if phase.name != "header_filter":
        raise ValueError(f"function cannot be called in {phase.name} phase")
    _later(phase).status = _status(status)


def _status(value: Any, least: int = 200) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= 599:
        raise ValueError(f"code must be a number between {least} and 599")
    return int(value)


def _of_response(phase: Phase) -> list[tuple[bytes, bytes]]:
    return phase.headers if phase.response is None else phase.response.headers


def _keep_of_response(phase: Phase, headers: list[tuple[bytes, bytes]]) -> None:
    if phase.response is None:
        phase.headers = headers
    else:
        phase.response.headers = headers


def _response_header(phase: Phase, name: Any = None, value: Any = None) -> None:
    _clear_response_header(phase, name)
    _add_response_header(phase, name, value)


def _add_response_header(phase: Phase, name: Any = None, value: Any = None) -> None:
    shown = _name(name)
    if shown.lower() not in _FRAMING:
        added = [(shown, one) for one in _values(value)]
        _keep_of_response(phase, [*_of_response(phase), *added])


def _clear_response_header(phase: Phase, name: Any = None) -> None:
    gone = frozenset(spellings(_name(name).lower())) - _FRAMING
    kept = [pair for pair in _of_response(phase) if pair[0].lower() not in gone]
    _keep_of_response(phase, kept)


def _set_response_headers(phase: Phase, table: Any = None) -> None:
    for name, value in _table(table).items():
        _response_header(phase, name.encode(), value)


def _exit(phase: Phase, status: Any = None, body: Any = None, headers: Any = None) -> None:
    phase.early()
    content, kind = b"", None
    if isinstance(body, bytes):
        content = body
    elif body is not None:
        content, kind = orjson.dumps(body), JSON
    _finish(phase, Response(_status(status), [], content), headers, kind)


def _error(phase: Phase, status: Any = None, message: Any = None, headers: Any = None) -> None:
    request = phase.early()
    code = _status(status, least=400)
    made = error_response(code, _shown(message) if message else plugin_message(code), request)
    copied = made.copy() if hasattr(made, "copy") else made
    _finish(phase, copied, headers, None)


def _finish(phase: Phase, response: Response, headers: Any, kind: bytes | None) -> None:
    phase.response = response
    response.headers = [*response.headers, *phase.headers]
    if headers is not None:
        _set_response_headers(phase, headers)
    if kind is not None and not header_value(response.headers, b"content-type"):
        response.headers.append((b"Content-Type", kind))
    phase.exit, phase.response = response, None


def _get_raw_body(phase: Phase) -> bytes:
    if phase.name != "body_filter":
        raise ValueError(f"function cannot be called in {phase.name} phase")
    return phase.body


def _replace_body(phase: Phase, body: Any = None) -> None:
    if phase.name != "body_filter":
        raise ValueError(f"function cannot be called in {phase.name} phase")
    if not isinstance(body, bytes):
        raise ValueError("body must be a string")
    phase.body = body


def _source(phase: Phase) -> str:
    return "exit" if _later(phase).generated else "service"


def _row(entity: Any) -> dict[str, Any] | None:
    return None if entity is None else dict(entity)


def _decoded(phase: Phase, text: Any = None) -> Any:
    try:
        return orjson.loads(text)
    except (orjson.JSONDecodeError, TypeError):
        raise ValueError("not JSON") from None


_WRITES: dict[str, Callable[..., Any]] = {
    "service.request.set_method": _set_method,
    "service.request.set_path": _set_path,
    "service.request.set_raw_query": _set_raw_query,
    "service.request.set_query": _set_query,
    "service.request.set_header": _request_header,
    "service.request.add_header": _add_request_header,
    "service.request.clear_header": _clear_request_header,
    "service.request.set_headers": _set_request_headers,
    "service.request.set_raw_body": _set_raw_body,
    "service.request.set_body": _set_body,
    "service.response.get_status": lambda phase: phase.request.upstream_status,
    "response.get_status": lambda phase: _later(phase).status,
    "response.set_status": _set_status,
    "response.get_header": lambda phase, name=None: header_value(_of_response(phase), name),
    "response.get_headers": lambda phase, *_: header_table(
        [(name.lower(), value) for name, value in _of_response(phase)]
    ),
    "response.set_header": _response_header,
    "response.add_header": _add_response_header,
    "response.clear_header": _clear_response_header,
    "response.set_headers": _set_response_headers,
    "response.get_source": _source,
    "response.get_raw_body": _get_raw_body,
    "response.set_raw_body": _replace_body,
    "response.exit": _exit,
    "response.error": _error,
    "router.get_route": lambda phase: _row(phase.request.match and phase.request.match.route),
    "router.get_service": lambda phase: _row(phase.request.match and phase.request.match.service),
    "node.get_hostname": lambda _: socket.gethostname(),
    "json.encode": lambda _, value=None: orjson.dumps(
        value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    ).decode(),
    "json.decode": _decoded,
    "log.set_serialize_value": lambda phase, *given: add_log_field(phase.request, *given),
    **NGX,
}

_LOGS = [f"log.{level.decode()}" for level in _LEVELS]
NAMES = tuple(name for name in (*READS, *_WRITES, *_LOGS) if not name.startswith(("json.", "ngx.")))
"""The names below ``kong``."""
