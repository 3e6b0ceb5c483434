# SPDX-License-Identifier: Apache-2.0
"""Values with ``$(…)``: Lua expressions over the request, evaluated in the sandbox.

An expression finds ``headers``, ``query_params``, ``uri_captures`` and ``shared``, all as they were
before the plugin changed anything, and the functions ``type`` and ``tostring``; strings have their
methods. What is nil or false renders as nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from gateway.errors import RequestRejected
from gateway.http.arguments import parse
from gateway.http.generated_responses import message_of
from gateway.http.messages import Request
from gateway.logs import get_logger

_log = get_logger("gateway.plugins")
_LONGEST = 1024 * 1024
"""Bytes of what one template may become."""
OFF = "Lua is switched off here by KONG_UNTRUSTED_LUA=off"
_VARIABLES = ("headers", "query_params", "uri_captures", "shared")

Value = Callable[["Rendering"], bytes]
"""What an entry's value is for a request; raises ``RequestRejected`` (500)."""


class Rendering:
    """The templates of one plugin with one request as it came."""

    __slots__ = ("_begun", "_request", "_templates", "_variables")

    def __init__(self, templates: Templates, request: Request) -> None:
        self._templates = templates
        self._request = request
        self._begun = False
        # Kept now: nothing that the plugin changes is seen by its templates.
        self._variables = templates.variables(request) if templates.evaluates else {}

    def run(self, function: Any, source: str) -> bytes:
        """Evaluate one template."""
        if not self._begun:
            self._begun = True
            self._templates.begin(self._variables)
        return self._templates.run(function, source, self._request)


class Templates:
    """The templates of one plugin, compiled once."""

    def __init__(self, *, allowed: bool) -> None:
        """``allowed``: whether Lua may run at all; text without expressions needs none."""
        self._allowed = allowed
        self._sandbox: Any = None
        self._sources: list[str] = []

    @property
    def evaluates(self) -> bool:
        """Whether there is anything to evaluate."""
        return self._sandbox is not None

    def value(self, text: str) -> Value:
        """Return what makes the value of this text."""
        if not has_expression(text):
            fixed = text.encode()
            return lambda _: fixed
        if not self._allowed:
            return lambda _: _fail(OFF, text)
        if self._sandbox is None:
            self._sandbox = _sandbox()
        function = self._sandbox.compile(_chunk(text), "template", template=True)
        self._sources.append(text)
        return lambda rendering: rendering.run(function, text)

    def variables(self, request: Request) -> dict[str, Any]:
        """Return the variables that any of the templates names."""
        # Imported here: most plugins have no templates.
        from gateway.plugins.lua.reads import captures_of
        from gateway.plugins.produce.envelope import header_table

        found: dict[str, Any] = {}
        named = {name for name in _VARIABLES if any(name in text for text in self._sources)}
        if "headers" in named:
            found["headers"] = header_table(request.headers)
        if "query_params" in named:
            found["query_params"] = parse(request.query)
        if "uri_captures" in named:
            found["uri_captures"] = captures_of(request)
        if "shared" in named:
            found["shared"] = (request.context or {}).get("lua_shared", {})
        return found

    def begin(self, variables: dict[str, Any]) -> None:
        """Put a request's variables where templates find them."""
        sandbox = self._sandbox
        if sandbox.used > _COLLECT_ABOVE:
            sandbox.collect()
        to_lua = sandbox.bridge.to_lua
        table = to_lua({})
        for name, value in variables.items():
            made = to_lua(value)
            if name == "uri_captures":
                for number in [key for key in value if key.isdigit()]:
                    made[int(number)] = value[number].encode()
            table[name.encode()] = sandbox.as_headers(made) if name == "headers" else made
        sandbox.set_variables(table)

    def run(self, function: Any, source: str, request: Request) -> bytes:
        """Evaluate a template."""
        from gateway.plugins.lua.sandbox import FAILURES

        try:
            found = self._sandbox.run(function)
            if not isinstance(found, bytes):
                raise TypeError("it made no text")
            if len(found) > _LONGEST:
                raise TypeError(f"it made more than {_LONGEST} bytes")
        except FAILURES as error:
            return _fail(str(error).partition("\n")[0], source)
        return found


_COLLECT_ABOVE = 16 * 1024**2


def has_expression(text: str) -> bool:
    """Whether a value is a template."""
    return any(expression for expression, _ in _parts(text))


def check_template(text: str) -> str:
    """Return what is wrong with a template; nothing when it is one, or plain text."""
    if not has_expression(text):
        return ""
    from gateway.plugins.lua.sandbox import NotLua

    try:
        _sandbox().compile(_chunk(text), "template", template=True)
    except NotLua as error:
        return f"invalid template '{text}': {error}"
    return ""


def _sandbox() -> Any:
    # Imported here: a gateway without templates needs no Lua.
    from gateway.plugins.lua.sandbox import LuaSandbox

    def call(name: bytes, *_: Any) -> Any:
        raise ValueError(f"{name.decode()} is not for templates")

    return LuaSandbox((), call)


def _chunk(text: str) -> str:
    """Return Lua that makes a template's text."""
    parts = [
        f"tostring(({part}) or '')" if expression else _quoted(part)
        for expression, part in _parts(text)
    ]
    return "return " + " .. ".join(parts)


def _parts(text: str) -> Iterable[tuple[bool, str]]:
    """Yield the pieces of a template, and whether each is an expression."""
    at = 0
    while (start := text.find("$(", at)) >= 0:
        end = _closing(text, start + 1)
        if end < 0:
            break
        if start > at:
            yield False, text[at:start]
        yield True, text[start + 2 : end]
        at = end + 1
    if at < len(text):
        yield False, text[at:]


def _closing(text: str, opened: int) -> int:
    """Return the place of the parenthesis that closes the one at ``opened``, or -1."""
    depth = 0
    for place in range(opened, len(text)):
        if text[place] == "(":
            depth += 1
        elif text[place] == ")":
            depth -= 1
            if not depth:
                return place
    return -1


def _quoted(text: str) -> str:
    """Return text as a string of Lua."""
    return '"' + "".join(f"\\{byte:03d}" for byte in text.encode()) + '"'


def _fail(problem: str, source: str) -> bytes:
    _log.error("a template failed", template=source, problem=problem)
    raise RequestRejected(500, message_of(500))
