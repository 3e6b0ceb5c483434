# SPDX-License-Identifier: Apache-2.0
"""One Lua runtime, shut in.

LuaJIT with its compiler off, so that a count of instructions is kept; no access to files,
processes, the loader, the debugger, the FFI or Python; memory and time are bounded. Between Python
and Lua go only strings (bytes), numbers, booleans and tables, in bounded numbers
(``values``). JSON's null is ``null`` (also ``ngx.null`` and ``cjson.null``).

Time is looked at between Lua's instructions. So no single call into C may take long: strings are
bounded, patterns whose worst case is not cheap are matched in Lua, and so are tables sorted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from time import thread_time
from typing import Any

from lupa import luajit21 as lupa

from gateway.errors import RequestRejected
from gateway.plugins.lua.values import Bridge, Sandbox

MEMORY = 32 * 1024**2
"""Bytes of Lua memory for the functions of one plugin."""
HARD = 4
"""Times ``memory`` at which allocation itself fails. Far above, since lupa's own calls end the
process when they find no memory; it takes a single string operation to get there."""
SECONDS = 0.1
"""Processor time for all functions of one record, or of one phase of a request."""
LARGEST = 8 * 1024**2
"""Bytes of a result; what a record may have is looked at where it is sent."""
_LONGEST_STRING = 4 * 1024**2
"""Bytes of a string that Lua's string functions take or make."""
_SANDBOX = (Path(__file__).parent / "sandbox.lua").read_bytes()
_PATTERNS = (Path(__file__).parent / "patterns.lua").read_bytes()
FAILURES = (lupa.LuaError, MemoryError, UnicodeDecodeError, TypeError)
"""What ``run`` and ``Bridge.to_json`` raise for what a function did."""

Call = Callable[..., Any]
"""Gets a name of the PDK (``b"request.get_method"``) and arguments, and returns a JSON value.

``ValueError``: the call was wrong; its text goes to the function as a Lua error."""


class NotLua(ValueError):
    """A chunk that cannot be compiled; the text is the compiler's."""


class LuaSandbox:
    """A runtime with what may be called in it; not shared between plugins."""

    def __init__(
        self,
        names: Iterable[str],
        call: Call,
        *,
        seconds: float = SECONDS,
        memory: int = MEMORY,
        deepest: int = 1000,
    ) -> None:
        """``names`` are those of ``kong.…`` that ``call`` knows.

        ``deepest``: tables inside each other that a result may have.
        """
        self._begun = 0.0
        """When the function that runs began, in this thread's processor time."""
        self._runtime = lupa.LuaRuntime(
            encoding=None,
            unpack_returned_tuples=True,
            register_eval=False,
            register_builtins=False,
            attribute_filter=_no_attributes,
            max_memory=HARD * memory,
        )
        runtime = self._runtime
        made = runtime.execute(
            _SANDBOX,
            seconds,
            memory,
            _LONGEST_STRING,
            runtime.compile(_PATTERNS),
            " ".join(names).encode(),
            lambda: seconds - (thread_time() - self._begun),
        )
        self._compile = made[b"compile"]
        self._run: Callable[..., Any] = made[b"run"]
        self.collect: Callable[[], Any] = made[b"collect"]
        """Free what is not used any more."""
        self.begin: Callable[[Any, Any], None] = made[b"begin"]
        """Set ``kong.ctx.shared`` and ``kong.ctx.plugin`` for what runs next."""
        self.ctx: Callable[[], tuple[Any, Any]] = made[b"ctx"]
        """Return these two tables, False in the place of an empty one."""
        self.set_variables: Callable[[Any], None] = made[b"set_variables"]
        """Set what templates find by name."""
        self.as_headers: Callable[[Any], Any] = made[b"as_headers"]
        """Make a table one whose names are found in any case, and with underscores."""
        self.bridge = Bridge(_maker(runtime, made), deepest, LARGEST)
        self._call = call
        made[b"set_kong"](self._called)

    @property
    def used(self) -> int:
        """Bytes of Lua memory in use."""
        return int(self._runtime.get_memory_used())

    def run(self, function: Any, *arguments: Any) -> Any:
        """Call a function, within the time; raises one of ``FAILURES``."""
        self._begun = thread_time()
        return self._run(function, *arguments)

    def compile(self, source: str, name: str = "", *, template: bool = False) -> Any:
        """Return a chunk as a function; raises ``NotLua``.

        ``name`` stands for it in texts about what is wrong; without, its beginning does.
        ``template``: it finds nothing but what ``set_variables`` set, and a few functions.
        """
        label = f"={name}" if name else source.lstrip("=@")
        found = self._compile(source.encode(), label.encode(), template)
        if isinstance(found, tuple):
            raise NotLua(found[1].decode("utf-8", "replace"))
        return found

    def _called(self, name: bytes, *arguments: Any) -> Any:
        """Call Python for Lua: True and a value, or False and what was wrong."""
        try:
            found = self._call(name, *arguments)
            return True, None if found is None else self.bridge.to_lua(found)
        except RequestRejected as error:
            return False, error.message.encode()
        except (ValueError, TypeError) as error:
            return False, str(error).encode()


def _maker(runtime: Any, made: Any) -> Sandbox:
    mark, set_metatable = made[b"array_mark"], made[b"setmetatable"]
    return Sandbox(
        runtime.table,
        lambda table: set_metatable(table, mark),
        made[b"is_list"],
        made[b"null"],
        made[b"number"],
        made[b"text_of"],
    )


def kind_of(value: Any) -> str:
    """Return Lua's name of a value's type."""
    found: str = lupa.lua_type(value) or type(value).__name__
    return found


def _no_attributes(owner: object, name: object, setting: bool) -> Any:
    raise AttributeError("not from Lua")
