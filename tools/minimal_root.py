# SPDX-License-Identifier: Apache-2.0
"""Writes a root file system with what one environment needs: no shell, no package manager, no other
program. ``python -m tools.minimal_root ENVIRONMENT ROOT`` takes from the system that it runs on the
interpreter, its standard library as bytecode, the libraries that the loader asks for and the
authorities. The build of the image runs it (gateway/Dockerfile); it needs Python and ldd alone.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from tools.slim_image import bytecode

USER = 10001
HOME = "kong_prefix"
ACCOUNTS = {
    "passwd": f"root:x:0:0:root:/root:/nologin\ngateway:x:{USER}:{USER}::/{HOME}:/nologin\n",
    "group": f"root:x:0:\ngateway:x:{USER}:\n",
}
SYSTEM = (
    *("/etc/ssl/certs", "/usr/lib/ssl/certs", "/usr/lib/ssl/cert.pem", "/usr/lib/ssl/openssl.cnf"),
    *("/etc/os-release", "/etc/nsswitch.conf"),
)
"""The authorities, where OpenSSL looks for them, and what says which system it came from."""
UNUSED = {
    *("site-packages", "dist-packages", "test", "tests", "idlelib", "tkinter", "turtledemo"),
    *("ensurepip", "lib2to3", "pydoc_data", "venv", "macholib", "__pycache__"),
}
"""Folders of the standard library that nothing at run time imports."""
ELF = b"\x7fELF"
BY_NAME = "libgcc_s.so.1"
"""glibc opens it when a thread ends, so no file asks for it."""


class Root:
    """The new root below ``folder``; everything keeps its path."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def place(self, path: Path) -> Path:
        """Return where ``path`` is in the new root."""
        return self._folder / path.relative_to("/")

    def bring(self, path: Path) -> None:
        """Copy a file, a folder or a link with what it leads to; those on the way are kept."""
        walked = Path("/")
        for part in path.parts[1:]:
            walked /= part
            if walked.is_symlink():
                self._link(walked)
                rest = path.relative_to(walked)
                # Only "..", which a target may have, is resolved: the links in it are kept.
                target = os.path.normpath(walked.parent / os.readlink(walked))
                self.bring(Path(target) / rest)
                return
        if path.is_dir():
            self.place(path).mkdir(parents=True, exist_ok=True)
            for entry in sorted(path.iterdir()):
                self.bring(entry)
        elif path.exists():
            self.place(path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, self.place(path))

    def _link(self, link: Path) -> None:
        place = self.place(link)
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.is_symlink():
            place.symlink_to(os.readlink(link))

    def bring_module(self, source: Path) -> None:
        """Copy a file of the standard library; of a module the bytecode, in the source's place."""
        compiled = bytecode(source) if source.suffix == ".py" else b""
        if not compiled:
            self.bring(source)
            return
        place = self.place(source.resolve()).with_suffix(".pyc")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(compiled)

    def folder(self, name: str, owner: int, mode: int) -> None:
        """Make an empty folder."""
        place = self._folder / name
        place.mkdir(parents=True)
        os.chown(place, owner, owner)
        place.chmod(mode)


def needed(file: Path) -> Iterator[Path]:
    """Return the libraries that the loader takes for a program or library, itself among them."""
    done = subprocess.run(["ldd", file], capture_output=True, text=True, check=False)
    if missing := re.findall(r"(\S+) => not found", done.stdout):
        raise SystemExit(f"{file} needs {', '.join(missing)}, which are not on this system")
    for line in done.stdout.splitlines():
        if found := re.search(r"(/\S+) \(0x", line):
            yield Path(found[1])


def binaries(folder: Path) -> Iterator[Path]:
    """Return the programs and libraries below a folder."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if file.read(4) == ELF:
                    yield path


def standard_library(folder: Path) -> Iterator[Path]:
    """Return the files of a standard library that may be imported."""
    for path in sorted(folder.iterdir()):
        unused = path.name in UNUSED or path.name.startswith("config-")
        if path.is_dir() and not unused:
            yield from standard_library(path)
        elif path.is_file() and path.suffix != ".a":
            yield path


def write(environment: Path, folder: Path) -> None:
    """Write the root for an environment, which is itself not part of it, into ``folder``."""
    root = Root(folder)
    interpreter = environment / "bin" / "python"
    # What the environment's link leads to: by this name Python finds its standard library.
    program = Path(os.readlink(interpreter))
    while program.parent in {Path(), environment / "bin"}:
        program = Path(os.readlink(environment / "bin" / program.name))
    root.bring(program)
    for library in {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")}:
        for file in standard_library(library):
            root.bring_module(file)
    files = [program.resolve(), *binaries(environment), *binaries(folder)]
    loaded = {library for file in files for library in needed(file)}
    libc = next(path for path in loaded if path.name.startswith("libc.so"))
    for library in (*loaded, libc.with_name(BY_NAME)):
        if environment not in library.parents:
            root.bring(library)
    for name in SYSTEM:
        if os.path.lexists(name):
            root.bring(Path(name))
    for name, text in ACCOUNTS.items():
        (folder / "etc" / name).write_text(text)
    root.folder("tmp", 0, 0o1777)
    root.folder(HOME, USER, 0o750)


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
