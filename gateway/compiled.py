# SPDX-License-Identifier: Apache-2.0
"""The request path as machine code, where that is installed.

``python -m tools.compile_request_path`` translates the modules named here with mypyc and installs
them as the package ``kafka_gateway_compiled`` (docs/decisions/compiled-request-path.md). The Python
is the one source: what was made of another source, or for another Python, is left alone.

``python -m gateway.compiled`` fails, and says why, where nodes would run the Python.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from importlib.util import find_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

MODULES = (
    "gateway.data_plane.counters",
    "gateway.data_plane.worker.application",
    "gateway.http.body_reader",
    "gateway.http.checks",
    "gateway.http.clock",
    "gateway.http.flow_control",
    "gateway.http.generated_responses",
    "gateway.http.headers",
    "gateway.http.heads",
    "gateway.http.identity",
    "gateway.http.messages",
    "gateway.http.protocol",
    "gateway.http.response_queue",
    "gateway.outgoing.connection",
    "gateway.outgoing.pool",
    "gateway.plugins.chain",
    "gateway.plugins.logging.collecting",
    "gateway.plugins.logging.serializer",
    "gateway.plugins.opentelemetry.passing",
    "gateway.plugins.produce.envelope",
    "gateway.plugins.produce.outcomes",
    "gateway.plugins.produce.single",
    "gateway.plugins.produce.turns",
    "gateway.plugins.prometheus.counting",
    "gateway.plugins.request_metrics",
    "gateway.proxy.balancing.exchange",
    "gateway.proxy.exchange",
    "gateway.proxy.headers",
    "gateway.routing.router",
)
"""All or none: a compiled class knows how objects of the others lie in memory.

Not for modules that lend memory to C: compiled code lets go of what a name holds after its last
use, not at the end of the function. Nor for classes of which others are made elsewhere.
"""

PACKAGE = "kafka_gateway_compiled"
DIGEST = "digest"
"""The file in it that says what it was made of."""
_ROOT = Path(__file__).resolve().parent.parent


def source_of(module: str) -> Path:
    """Return the file of a module."""
    return _ROOT.joinpath(*module.split(".")).with_suffix(".py")


def digest() -> str:
    """Return the SHA-256 of the modules' source; empty where there is none."""
    found = hashlib.sha256()
    for module in MODULES:
        try:
            found.update(source_of(module).read_bytes())
        except OSError:
            return ""
    return found.hexdigest()


@cache
def use_compiled() -> bool:
    """Have the modules loaded as machine code from now on, if it is there; return whether it is.

    To be called before any of them is imported: a process has all of them compiled, or none.
    """
    folder = installed()
    if folder is None or any(module in sys.modules for module in MODULES):
        return False
    suffix = EXTENSION_SUFFIXES[0]
    files = {
        str(file.relative_to(folder)).removesuffix(suffix).replace("/", "."): file
        for file in folder.rglob(f"*{suffix}")
    }
    if not files.keys() > set(MODULES):
        return False
    sys.meta_path.insert(0, _Finder(files))
    return True


def installed() -> Path | None:
    """Return the folder of what was compiled from this source."""
    spec = find_spec(PACKAGE)
    for place in () if spec is None else spec.submodule_search_locations or ():
        noted = Path(place, DIGEST)
        if noted.is_file() and noted.read_text() == digest():
            return Path(place)
    return None


class _Finder(MetaPathFinder):
    """Finds what was compiled before what it was compiled from."""

    def __init__(self, files: Mapping[str, Path]) -> None:
        self._files = files

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a compiled module."""
        file = self._files.get(name)
        return None if file is None else spec_from_file_location(name, file)


def _check() -> str:
    """Load all of it; return what is wrong."""
    if find_spec(PACKAGE) is None:
        return f"{PACKAGE} is not installed"
    if not use_compiled():
        return f"{PACKAGE} was made of other sources than these ({digest() or 'which are missing'})"
    for module in MODULES:
        import_module(module)
    return ""


if __name__ == "__main__":
    sys.exit(_check() or None)
