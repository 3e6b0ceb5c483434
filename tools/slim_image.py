# SPDX-License-Identifier: Apache-2.0
"""Takes out of an environment what no node loads: ``python slim_image.py ENVIRONMENT ROLES``.

ROLES is ``all``, or ``data-plane`` for one that is never a control plane.

The build of the image runs it (gateway/Dockerfile), so it needs Python alone. It fails where a
package has changed so that what it names is not there any more.
"""

from __future__ import annotations

import ast
import importlib.util
import marshal
import shutil
import ssl
import struct
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

UNUSED = (
    # Conditions of plugins use the language alone, none of its extensions.
    "cel_expr_python/ext",
    # Helps for those who test dialects and migrations.
    "sqlalchemy/testing",
    "alembic/testing",
    # Databases that a control plane's is not.
    "sqlalchemy/dialects/mssql",
    "sqlalchemy/dialects/mysql",
    "sqlalchemy/dialects/oracle",
    # The control plane writes its statements itself.
    "sqlalchemy/orm",
    # Compile bindings: those that are compiled need its `_cffi_backend` alone.
    "cffi",
    "pycparser",
    # Extensions of mapped classes and of an asyncio that is not used; alembic imports `compiler`.
    *(f"sqlalchemy/ext/{name}" for name in ("asyncio", "declarative", "associationproxy.py")),
    *(f"sqlalchemy/ext/{name}" for name in ("automap.py", "horizontal_shard.py", "mutable.py")),
    *(f"sqlalchemy/ext/{name}" for name in ("hybrid.py", "orderinglist.py", "baked.py")),
    # The gateway has its own client of the registry, and its own asyncio for librdkafka.
    *(f"confluent_kafka/{name}" for name in ("schema_registry", "aio", "avro", "kafkatest")),
    # Models in pydantic's old form, and its plugin for mypy.
    *("pydantic/v1", "pydantic/mypy.py"),
    # Clients of several databases at once, and modules that a Redis may be extended with.
    *("redis/multidb", "redis/asyncio/multidb"),
    *(f"redis/commands/{name}" for name in ("search", "json", "timeseries", "bf", "vectorset")),
    # aiohttp is a client here: its server, and what tests servers.
    *(f"aiohttp/{name}.py" for name in ("web_urldispatcher", "web_fileresponse", "web_runner")),
    *(f"aiohttp/{name}.py" for name in ("web_response", "web_request", "web_protocol", "web_ws")),
    *(f"aiohttp/{name}.py" for name in ("web", "web_app", "test_utils", "pytest_plugin", "worker")),
    # Another loop than asyncio, and helps for tests.
    *("anyio/_backends/_trio.py", "anyio/pytest_plugin.py", "starlette/testclient.py"),
    # What the build itself reads.
    *(f"gateway/{name}" for name in ("Dockerfile", "Dockerfile.dockerignore")),
    *(f"gateway/{name}" for name in ("requirements.txt", "build-requirements.txt")),
)
ROLES = ("all", "data-plane")
CONTROL_PLANE = (
    *("sqlalchemy", "alembic", "mako", "psycopg", "psycopg_binary", "psycopg_binary.libs"),
    *("starlette", "anyio", "jinja2"),
)
"""What only a control plane imports: its database, its Admin API, its page."""
LEXERS, NEEDED_LEXERS = "pygments/lexers", {"__init__.py", "_mapping.py", "special.py"}
"""Rich asks for one when it shows source code, which no command does."""
FOR_WRITERS = (".pyx", ".pxd", ".pyi", ".h", ".c")
"""Files that compilers and type checkers read."""
LUA = "luajit21."
"""The one Lua of seven that the sandbox is."""
ABOUT = (".dist-info", ".libs")
"""Folders beside packages: what is said of them, and the libraries that theirs load."""
OURS = "gateway"
"""Keeps its sources: tracebacks show them, and alembic reads the migrations as sources."""
LIBPQ = "psycopg_binary.libs"
"""Has an OpenSSL of its own beside the one with which Python's ``ssl`` comes."""

_ELF64 = b"\x7fELF\x02\x01"
_HEADER = struct.Struct("<16x2xHIQQQI6H")
_SEGMENT = struct.Struct("<IIQQQQQQ")


def slim(packages: Path, roles: str) -> None:
    """Slim a folder ``site-packages`` for one of ``ROLES``."""
    if roles not in ROLES:
        raise SystemExit(f"roles {roles!r}: give one of {', '.join(ROLES)}")
    for name in UNUSED:
        _remove(packages, name)
    for lexer in (packages / LEXERS).glob("*.py"):
        if lexer.name not in NEEDED_LEXERS:
            lexer.unlink()
    if not list((packages / "lupa").glob(f"{LUA}*")):
        raise SystemExit(f"{packages}/lupa has no {LUA}*: the sandbox would not start")
    for path in list(_files(packages)):
        shared = ".so" in path.suffixes
        other_lua = shared and path.parent.name == "lupa" and not path.name.startswith(LUA)
        if other_lua or path.suffix in FOR_WRITERS:
            path.unlink()
        elif shared:
            _strip(path)
    if roles == "all":
        share_openssl(packages / LIBPQ, openssl_of_python())
    else:
        for name in CONTROL_PLANE:
            _remove(packages, name)
    # Which files are whose: asked when a package is removed, which nobody does with an image's.
    for record in packages.glob("*.dist-info/RECORD"):
        record.unlink()
    for folder in list(packages.iterdir()):
        if folder.is_dir() and not folder.name.isidentifier() and folder.suffix not in ABOUT:
            # By such a name nothing is imported: what a wheel was made in, as of CEL for 3.13.
            shutil.rmtree(folder)
        elif folder.name != OURS:
            _bytecode_alone(folder)


def _remove(packages: Path, name: str) -> None:
    """Remove a package or a part of one; what is said of an installed one goes with it."""
    part = packages / name
    if part.is_dir():
        shutil.rmtree(part)
    else:
        part.unlink()
    for about in packages.glob(f"{name}-*.dist-info"):
        shutil.rmtree(about)


def openssl_of_python() -> dict[str, Path]:
    """Return the files of libcrypto and libssl that this Python's ``ssl`` has loaded, by name.

    A Python with OpenSSL within has none.
    """
    assert ssl.OPENSSL_VERSION
    loaded = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines()}
    files = [Path(name) for name in loaded if name.startswith("/")]
    return {
        name: file
        for name in ("libcrypto", "libssl")
        for file in files
        if file.name.startswith(f"{name}.so.")
    }


def share_openssl(libraries: Path, openssl: dict[str, Path]) -> None:
    """Have libpq use the OpenSSL of Python, which the base image keeps up to date, in place of the
    one that came with it; where it cannot, for want of a symbol's version, it keeps its own.
    """
    (libpq,) = libraries.glob("libpq-*")
    own = {file: openssl.get(file.name.partition("-")[0]) for file in libraries.glob("lib[cs]*-*")}
    replaced = {file: other for file, other in own.items() if other is not None}
    for file, other in replaced.items():
        file.rename(file.with_suffix(".own"))
        file.symlink_to(other)
    # Another process: this one may have the library loaded already.
    load = f"import ctypes, os; ctypes.CDLL({str(libpq)!r}, mode=os.RTLD_NOW)"
    done = subprocess.run([sys.executable, "-c", load], capture_output=True, check=False)
    fits = not done.returncode
    for file in replaced:
        kept = file.with_suffix(".own")
        if fits:
            kept.unlink()
        else:
            kept.replace(file)


def _strip(path: Path) -> None:
    """Put a stripped library in the place of one: a new file, since uv's is that of its cache."""
    made = path.with_suffix(".stripped")
    made.write_bytes(stripped(path.read_bytes()))
    shutil.copymode(path, made)
    made.replace(path)


def stripped(library: bytes) -> bytes:
    """Return a shared library without what stands behind all that is loaded of it (elf(5)).

    Those are symbols for debuggers and linkers, and the table of sections. No loader reads them: it
    goes by segments. What is no 64-bit little-endian ELF file is returned as it is.
    """
    if not library.startswith(_ELF64):
        return library
    fields = list(_HEADER.unpack_from(library))
    _, _, _, segments, _, _, _, size, count = fields[:9]
    end = segments + size * count
    for index in range(count):
        _, _, offset, _, _, in_file, _, _ = _SEGMENT.unpack_from(library, segments + index * size)
        end = max(end, offset + in_file)
    kept = bytearray(library[:end])
    # Where the sections are, how many, and which of them has their names: nowhere, none, none.
    struct.pack_into("<Q", kept, 40, 0)
    struct.pack_into("<HH", kept, 60, 0, 0)
    return bytes(kept)


def _bytecode_alone(path: Path) -> None:
    """Leave bytecode in the place of a package's sources: they are as large, and read by nobody."""
    for source in list(_files(path)) if path.is_dir() else [path]:
        if source.parent.name == "__pycache__":
            source.unlink()
        elif source.suffix == ".py" and (compiled := bytecode(source)):
            source.with_suffix(".pyc").write_bytes(compiled)
            source.unlink()


def bytecode(source: Path) -> bytes:
    """Return a module's bytecode as a ``.pyc`` in place of its source holds it, without docstrings:
    each worker's memory would hold them. Nothing for what is no module, as a template of one.
    """
    try:
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(source.read_bytes())
    except SyntaxError:
        return b""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            _undocument(node)
    code = compile(tree, str(source), "exec", dont_inherit=True)
    # Flags, time and size (PEP 552): nobody compares them where there is no source.
    return importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(code)


def _undocument(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    if ast.get_docstring(node, clean=False) is not None:
        nothing = [] if isinstance(node, ast.Module) else [ast.Pass()]
        node.body[:1] = [] if len(node.body) > 1 else nothing
        ast.fix_missing_locations(node)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


if __name__ == "__main__":
    (found,) = Path(sys.argv[1]).glob("lib/python3.*/site-packages")
    slim(found, sys.argv[2])
