# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path

import pytest

from tools.slim_image import (
    CONTROL_PLANE,
    LEXERS,
    LIBPQ,
    LUA,
    NEEDED_LEXERS,
    OURS,
    UNUSED,
    bytecode,
    openssl_of_python,
    share_openssl,
    slim,
    stripped,
)

SUFFIX = EXTENSION_SUFFIXES[0]


def library(name: str) -> Path:
    """Return the file of an extension module that is installed here."""
    found = find_spec(name)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin)


@pytest.mark.parametrize("name", ["uvloop.loop", "fastavro._write", "multidict._multidict"])
def test_a_library_without_its_symbols_is_smaller_and_loads(name: str, tmp_path: Path) -> None:
    whole = library(name).read_bytes()
    slimmed = stripped(whole)
    assert len(slimmed) < len(whole)
    assert stripped(slimmed) == slimmed
    file = tmp_path / "x.so"
    file.write_bytes(slimmed)
    file.chmod(0o755)
    assert getattr(ctypes.CDLL(str(file)), f"PyInit_{name.rpartition('.')[2]}")


@pytest.mark.parametrize(
    "content", [b"", b"\x7fELF", b"\x7fELF\x01\x01" + bytes(60), b"INPUT(libc.so)"]
)
def test_what_is_no_64_bit_elf_file_stays_as_it_is(content: bytes) -> None:
    assert stripped(content) == content


def site_packages(folder: Path) -> Path:
    """Make a small folder of packages with all that is looked for."""
    for name in (*UNUSED, *CONTROL_PLANE, LEXERS):
        part = folder / name
        module = part if part.suffix in {".py", ".txt"} or "Dockerfile" in name else part / "x.py"
        module.parent.mkdir(parents=True, exist_ok=True)
        module.write_text("")
    for name in ("cffi", "starlette"):
        (folder / f"{name}-1.0.dist-info").mkdir()
        (folder / f"{name}-1.0.dist-info" / "RECORD").write_text("")
    for name in NEEDED_LEXERS:
        (folder / LEXERS / name).write_text("")
    (folder / LIBPQ / "libpq-1.so.5").write_bytes(b"")
    (folder / "lupa").mkdir()
    for lua in (LUA, "lua54."):
        shutil.copy(library("multidict._multidict"), folder / "lupa" / f"{lua}{SUFFIX[1:]}")
    for name in (OURS, "other"):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "__init__.py").write_text(f"NAME = {name!r}\n")
        (folder / name / "__init__.pyi").write_text("NAME: str\n")
        (folder / name / "data.txt").write_text("stays")
    (folder / "left-over" / "of").mkdir(parents=True)
    (folder / "left-over" / "of" / "a_build.py").write_text("")
    (folder / "single.py").write_text("NAME = 'single'\n")
    return folder


KEPT = {
    f"lupa/{LUA}{SUFFIX[1:]}",
    *(f"{LEXERS}/{name}c" for name in NEEDED_LEXERS),
    f"{OURS}/__init__.py",
    f"{OURS}/data.txt",
    "other/__init__.pyc",
    "other/data.txt",
    "single.pyc",
}


def files(folder: Path) -> set[str]:
    """Return the files below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_an_image_for_data_planes_has_nothing_that_only_control_planes_import(
    tmp_path: Path,
) -> None:
    packages = site_packages(tmp_path / "site-packages")
    slim(packages, "data-plane")
    assert files(packages) == KEPT
    assert not list(packages.glob("*.dist-info"))


def test_files_that_a_cache_has_as_well_stay_whole_there(tmp_path: Path) -> None:
    # uv links what it installs to its cache, from which other environments get it.
    packages = site_packages(tmp_path / "site-packages")
    installed = packages / "lupa" / f"{LUA}{SUFFIX[1:]}"
    cached = tmp_path / "cached"
    cached.hardlink_to(installed)
    mode, content = cached.stat().st_mode, cached.read_bytes()
    slim(packages, "data-plane")
    assert (cached.stat().st_mode, cached.read_bytes()) == (mode, content)
    assert installed.read_bytes() == stripped(content)
    assert installed.stat().st_mode == mode


def test_roles_that_there_are_not_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"'dataplane': give one of all, data-plane"):
        slim(tmp_path, "dataplane")


DOCUMENTED = '''"""Of a module."""
from __future__ import annotations
TEXT = """No docstring."""
class Documented:
    """Of a class."""
def documented():
    """Of a function."""
    return f"""{TEXT}"""
async def only_documented():
    """Of a coroutine."""
assert documented() == TEXT
'''


def test_bytecode_is_a_module_without_its_docstrings(tmp_path: Path) -> None:
    source = tmp_path / "documented.py"
    source.write_text(DOCUMENTED)
    compiled = bytecode(source)
    assert b"Of a" not in compiled
    (tmp_path / "documented.pyc").write_bytes(compiled)
    source.unlink()
    code = "import documented as it; print(it.documented(), it.__doc__, it.Documented.__doc__)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stdout == "No docstring. None None\n"


def test_what_is_no_module_stays_a_source(tmp_path: Path) -> None:
    template = tmp_path / "script.py"
    template.write_text("${imports}\n")
    assert bytecode(template) == b""


def test_what_python_warns_of_in_sources_of_others_stops_no_build(tmp_path: Path) -> None:
    source = tmp_path / "warned.py"
    source.write_text("PATTERN = '\\d'\n")
    assert bytecode(source)


def test_libpq_takes_the_openssl_of_python_and_keeps_its_own_where_that_does_not_fit(
    tmp_path: Path,
) -> None:
    wheel = library("psycopg_binary").parent.parent / LIBPQ
    openssl = openssl_of_python()
    if not openssl:
        pytest.skip("this Python has its OpenSSL within")
    shared = shutil.copytree(wheel, tmp_path / "shared")
    share_openssl(shared, openssl)
    links = {path.name.partition("-")[0]: path for path in shared.iterdir() if path.is_symlink()}
    assert {name: link.readlink() for name, link in links.items()} == openssl
    kept = shutil.copytree(wheel, tmp_path / "kept")
    unfit = next(kept.glob("libpq-*"))
    share_openssl(kept, dict.fromkeys(openssl, unfit))
    assert files(kept) == files(wheel)
    assert not [path for path in kept.iterdir() if path.is_symlink()]


def test_packages_of_others_keep_bytecode_alone_and_ours_its_sources(tmp_path: Path) -> None:
    packages = site_packages(tmp_path / "site-packages")
    slim(packages, "all")
    assert files(packages) == {
        *KEPT,
        *(f"{name}/x.pyc" for name in CONTROL_PLANE),
        f"{LIBPQ}/libpq-1.so.5",
    }
    assert [path.name for path in packages.glob("*.dist-info")] == ["starlette-1.0.dist-info"]
    code = f"import {OURS}, other, single; print({OURS}.NAME, other.NAME, single.NAME)"
    command = [
        sys.executable,
        "-I",
        "-c",
        f"import sys; sys.path[:0] = [{str(packages)!r}]; {code}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [OURS, "other", "single"]


WITHOUT = """
import pkgutil, sys
from importlib import import_module
from pathlib import Path

class TakenOut:
    def find_spec(self, name, path=None, target=None):
        if name in gone:
            raise ModuleNotFoundError(f"{name} is not in the image", name=name)

database, *gone = sys.argv[1:]
sys.meta_path.insert(0, TakenOut())
import gateway
for module in pkgutil.walk_packages(gateway.__path__, "gateway."):
    if not module.name.endswith("__main__") and ".migrations.versions" not in module.name:
        import_module(module.name)
from gateway.control_plane.database.sqlite import SqliteDatabase
from gateway.control_plane.store import Store
store = Store(SqliteDatabase(Path(database)))
store.open()
store.close()
import asyncio
from aiohttp import ClientSession
from redis.asyncio import Redis, RedisCluster
async def clients():
    await ClientSession().close()
    await Redis().aclose()
    await RedisCluster("127.0.0.1").aclose()
asyncio.run(clients())
"""


def test_what_is_taken_out_is_imported_by_no_role(tmp_path: Path) -> None:
    names = [Path(name).with_suffix("") for name in UNUSED if not name.startswith(f"{OURS}/")]
    dotted = [".".join(name.parts) for name in names]
    command = [sys.executable, "-c", WITHOUT, str(tmp_path / "releases.db"), *dotted]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("missing", [UNUSED[0], f"lupa/{LUA}{SUFFIX[1:]}"])
def test_it_fails_where_a_package_is_not_what_it_was(tmp_path: Path, missing: str) -> None:
    packages = site_packages(tmp_path / "site-packages")
    gone = packages / missing
    if gone.is_dir():
        shutil.rmtree(gone)
    else:
        gone.unlink()
    with pytest.raises((FileNotFoundError, SystemExit)):
        slim(packages, "all")
