# SPDX-License-Identifier: Apache-2.0
"""What the page takes from npm: fetched at its version, checked, and laid where it is served from.

``python -m tools.vendored`` compares what is committed with what npm has; ``--write`` lays it anew.
The files are committed, so that neither a build nor a start needs the network.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "gateway" / "control_plane" / "page" / "static" / "vendor"


@dataclass(frozen=True)
class NpmPackage:
    """A package at its version, and which of its files lie where in the folder."""

    name: str
    version: str
    sha256: str
    """Of the archive that npm has."""
    files: Mapping[str, str]
    """Path in the package to the file's name here."""


PACKAGES = (
    NpmPackage(
        "htmx.org",
        "2.0.11",
        "165a2655073e9e6e55e307a7c74e8ebcdb76afb7701f9c16cfd106a13add408e",
        {"dist/htmx.min.js": "htmx.min.js", "LICENSE": "LICENSE.htmx"},
    ),
    NpmPackage(
        "uplot",
        "1.6.32",
        "4b8a8191e425658e3ea8c8c1314b0fc679c861ee3a1af2b20c7b16ba50b5133d",
        {
            "dist/uPlot.iife.min.js": "uPlot.iife.min.js",
            "dist/uPlot.min.css": "uPlot.min.css",
            "LICENSE": "LICENSE.uPlot",
        },
    ),
)
AXE = NpmPackage(
    "axe-core",
    "4.14.1",
    "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745",
    {"axe.min.js": "axe.min.js"},
)
"""Looks for what keeps people from using a page; for tests, so it is committed nowhere."""


class WrongDigest(Exception):
    """An archive is not the one whose digest is written here."""


def unpack(package: NpmPackage, archive: Path) -> dict[str, bytes]:
    """Return a package's files by their names here. Raises ``WrongDigest``."""
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != package.sha256:
        what = f"{package.name} {package.version}"
        raise WrongDigest(f"{what}: SHA-256 of {archive.name} is {found}, not {package.sha256}")
    with tarfile.open(archive) as members:
        contents = {}
        for path, name in package.files.items():
            member = members.extractfile(f"package/{path}")
            assert member is not None, path
            contents[name] = member.read()
        return contents


def fetch(package: NpmPackage) -> dict[str, bytes]:
    """Return a package's files as npm has them. Raises ``WrongDigest``, ``CalledProcessError``."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", f"{package.name}@{package.version}"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)
        (archive,) = Path(folder).iterdir()
        return unpack(package, archive)


def main(write: bool) -> int:
    """Lay or compare all files; return how many differ."""
    different = 0
    for package in PACKAGES:
        for name, content in fetch(package).items():
            place = FOLDER / name
            if write:
                place.write_bytes(content)
            elif not place.exists() or place.read_bytes() != content:
                print(f"{place} is not what {package.name} {package.version} has")
                different += 1
    return different


if __name__ == "__main__":
    sys.exit(main("--write" in sys.argv[1:]))
