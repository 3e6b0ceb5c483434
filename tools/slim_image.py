# SPDX-License-Identifier: Apache-2.0
"""Takes out of an environment what no node loads: ``python slim_image.py ENVIRONMENT``.

The build of the image runs it (gateway/Dockerfile), so it needs Python alone. It fails where a
package has changed so that what it names is not there any more.
"""

from __future__ import annotations

import compileall
import shutil
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

UNUSED = (
    # Conditions of plugins use the language alone, none of its extensions.
    "cel_expr_python/ext",
    # Helps for those who test dialects and migrations.
    "sqlalchemy/testing",
    "alembic/testing",
)
FOR_WRITERS = (".pyx", ".pxd", ".pyi", ".h", ".c")
"""Files that compilers and type checkers read."""
LUA = "luajit21."
"""The one Lua of seven that the sandbox is."""
OURS = "gateway"
"""Keeps its sources: tracebacks show them, and alembic reads the migrations as sources."""

_ELF64 = b"\x7fELF\x02\x01"
_HEADER = struct.Struct("<16x2xHIQQQI6H")
_SEGMENT = struct.Struct("<IIQQQQQQ")


def slim(packages: Path) -> None:
    """Slim a folder ``site-packages``."""
    for name in UNUSED:
        shutil.rmtree(packages / name)
    if not list((packages / "lupa").glob(f"{LUA}*")):
        raise SystemExit(f"{packages}/lupa has no {LUA}*: the sandbox would not start")
    for path in list(_files(packages)):
        shared = ".so" in path.suffixes
        other_lua = shared and path.parent.name == "lupa" and not path.name.startswith(LUA)
        if other_lua or path.suffix in FOR_WRITERS:
            path.unlink()
        elif shared:
            path.write_bytes(stripped(path.read_bytes()))
    for folder in packages.iterdir():
        if folder.name != OURS:
            _bytecode_alone(folder)


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
    if path.is_dir():
        compileall.compile_dir(path, quiet=2, legacy=True, maxlevels=20)
    elif path.suffix == ".py":
        compileall.compile_file(path, quiet=2, legacy=True)
    for source in list(_files(path)) if path.is_dir() else [path]:
        compiled = source.suffix == ".py" and source.with_suffix(".pyc").exists()
        if compiled or source.parent.name == "__pycache__":
            source.unlink()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


if __name__ == "__main__":
    (found,) = Path(sys.argv[1]).glob("lib/python3.*/site-packages")
    slim(found)
