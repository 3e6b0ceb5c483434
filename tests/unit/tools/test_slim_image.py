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

from tools.slim_image import LUA, OURS, UNUSED, slim, stripped

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
    for name in UNUSED:
        (folder / name).mkdir(parents=True)
        (folder / name / "x.py").write_text("")
    (folder / "lupa").mkdir()
    for lua in (LUA, "lua54."):
        shutil.copy(library("multidict._multidict"), folder / "lupa" / f"{lua}{SUFFIX[1:]}")
    for name in (OURS, "other"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(f"NAME = {name!r}\n")
        (folder / name / "__init__.pyi").write_text("NAME: str\n")
        (folder / name / "data.txt").write_text("stays")
    (folder / "single.py").write_text("NAME = 'single'\n")
    return folder


def test_packages_of_others_keep_bytecode_alone_and_ours_its_sources(tmp_path: Path) -> None:
    packages = site_packages(tmp_path / "site-packages")
    slim(packages)
    left = {str(path.relative_to(packages)) for path in packages.rglob("*") if path.is_file()}
    assert left == {
        f"lupa/{LUA}{SUFFIX[1:]}",
        f"{OURS}/__init__.py",
        f"{OURS}/data.txt",
        "other/__init__.pyc",
        "other/data.txt",
        "single.pyc",
    }
    code = f"import {OURS}, other, single; print({OURS}.NAME, other.NAME, single.NAME)"
    command = [
        sys.executable,
        "-I",
        "-c",
        f"import sys; sys.path[:0] = [{str(packages)!r}]; {code}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [OURS, "other", "single"]


@pytest.mark.parametrize("missing", [UNUSED[0], f"lupa/{LUA}{SUFFIX[1:]}"])
def test_it_fails_where_a_package_is_not_what_it_was(tmp_path: Path, missing: str) -> None:
    packages = site_packages(tmp_path / "site-packages")
    gone = packages / missing
    if gone.is_dir():
        shutil.rmtree(gone)
    else:
        gone.unlink()
    with pytest.raises((FileNotFoundError, SystemExit)):
        slim(packages)
