# SPDX-License-Identifier: Apache-2.0
"""Put the stubs where the engine looks for plugins: ``$PULUMI_HOME/plugins``, exact versions.

The versions are those of the installed SDKs, which the engine asks for by name and version.
"""

from __future__ import annotations

import importlib.util
import json
import shlex
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("aws", "confluentcloud", "eks", "kubernetes")


def install(home: Path) -> None:
    """Write one start script a package below ``home``."""
    for package in PACKAGES:
        version = sdk_version(package)
        script(home / "plugins" / f"resource-{package}-v{version}", package, version)


def sdk_version(package: str) -> str:
    """Return the version of an installed provider SDK, without importing it."""
    spec = importlib.util.find_spec(f"pulumi_{package}")
    if spec is None or spec.origin is None:
        raise LookupError(f"pulumi_{package} is not installed: run 'make venv'")
    described = json.loads((Path(spec.origin).parent / "pulumi-plugin.json").read_text())
    return str(described["version"])


def script(folder: Path, package: str, version: str) -> None:
    """Write ``folder/pulumi-resource-<package>``; `exec` leaves no shell that swallows signals."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"pulumi-resource-{package}"
    # The virtual environment's own path, not the interpreter that it links to.
    command = [sys.executable, "-m", "tools.stubs.serve", package, version]
    file.write_text(f"#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} exec {shlex.join(command)}\n")
    file.chmod(0o755)
