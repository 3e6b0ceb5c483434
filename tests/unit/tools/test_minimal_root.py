# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tools.minimal_root import HOME, SYSTEM, USER, Root, needed, write

TRIED = """
import asyncio, hashlib, json, sqlite3, ssl, sys, zlib
import part
print(json.dumps([
    sys.executable,
    ssl.get_default_verify_paths().cafile,
    part.__doc__,
    json.__file__.endswith(".pyc"),
]))
"""


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """Make an environment as the image has one, with an extension module."""
    made = tmp_path / "environment"
    packages = made / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
    packages.mkdir(parents=True)
    (made / "bin").mkdir()
    (made / "bin" / "python3").symlink_to(Path(sys.base_prefix) / "bin" / "python3")
    (made / "bin" / "python").symlink_to("python3")
    (made / "pyvenv.cfg").write_text(f"home = {sys.base_prefix}/bin\n")
    spec = find_spec("multidict._multidict")
    assert spec is not None
    assert spec.origin is not None
    shutil.copy(spec.origin, packages)
    (packages / "part.py").write_text("import _multidict\n")
    return made


@pytest.mark.skipif(os.geteuid() != 0, reason="a new root needs root: chroot")
def test_python_and_the_environment_run_in_the_root_and_nothing_else_is_there(
    environment: Path, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    write(environment, root)
    programs = {
        path.name
        for path in root.rglob("*")
        if path.is_file() and os.access(path, os.X_OK) and ".so" not in path.name
    }
    assert not {name for name in programs if not name.startswith("python3")}
    assert (root / HOME).stat().st_uid == USER
    assert (root / "tmp").stat().st_mode & 0o7777 == 0o1777
    shutil.copytree(environment, root / environment.relative_to("/"), symlinks=True)
    inside = ("chroot", f"--userspec={USER}:{USER}", root, environment / "bin" / "python")
    # Its parents are the test's own, which only this user may enter.
    for folder in (root / environment.relative_to("/")).parents:
        if folder.is_relative_to(root):
            folder.chmod(0o755)
    done = subprocess.run([*inside, "-c", TRIED], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert str(environment / "bin" / "python") in done.stdout
    assert done.stdout.rstrip().endswith("true]")


def test_links_on_the_way_lead_to_the_same_in_the_new_root(tmp_path: Path) -> None:
    there = tmp_path / "there"
    (there / "real" / "deep").mkdir(parents=True)
    (there / "real" / "deep" / "file").write_text("content")
    (there / "link").symlink_to("real")
    (there / "other").symlink_to(there / "link" / "deep")
    (there / "real" / "dangling").symlink_to("nowhere")
    new = tmp_path / "new"
    root = Root(new)
    root.bring(there / "other" / "file")
    root.bring(there / "real" / "dangling")
    place = root.place(there)
    assert (place / "other").readlink() == there / "link" / "deep"
    assert (place / "link").readlink() == Path("real")
    assert (place / "real" / "deep" / "file").read_text() == "content"
    assert (place / "real" / "dangling").readlink() == Path("nowhere")


def test_what_a_program_needs_is_itself_on_the_system() -> None:
    found = list(needed(Path(sys.executable)))
    assert any(path.name.startswith("libc.so") for path in found)
    assert all(path.exists() for path in found)


def test_no_key_is_taken_along() -> None:
    assert not [name for name in SYSTEM if "private" in name]
