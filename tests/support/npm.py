# SPDX-License-Identifier: Apache-2.0
"""Packages of npm, installed on demand below ``.tools``."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / ".tools"


def npm_packages(name: str, untested: str, *packages: str) -> Path:
    """Return the folder ``name`` with packages, each as ``package@version``, in its node_modules.

    Skips the test where they cannot be had; ``untested`` says what is not tested then.
    """
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip(f"NOT TESTED {untested}: node and npm are not on PATH")
    folder = TOOLS / name
    wanted = (folder / "node_modules" / package.rpartition("@")[0] for package in packages)
    if not all(package.is_dir() for package in wanted):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true, "type": "module"}\n')
        command = [npm, "install", "--no-audit", "--no-fund", *packages]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
        if done.returncode:
            pytest.skip(f"NOT TESTED {untested}: npm said {done.stderr[-500:]}")
    return folder
