# SPDX-License-Identifier: Apache-2.0
"""What ``pulumi package add`` and ``pulumi install`` ask of a Python program: name an SDK, install.

As the official host does with pip: a line of ``requirements.txt`` for each SDK, and the virtual
environment that the runtime option names. The project's own environment is made by `make` from a
lock, so nothing is installed into that one.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = "requirements.txt"


def link(request: Any) -> str:
    """Name the SDKs of a ``LinkRequest`` in the program's requirements; return how to import them.

    An SDK that is named already is not named again.
    """
    listed = Path(request.info.program_directory or ".") / REQUIREMENTS
    lines = listed.read_text().splitlines() if listed.exists() else []
    paths = [f"./{dependency.path}" for dependency in request.packages]
    lines += [path for path in dict.fromkeys(paths) if path not in lines]
    listed.write_text("".join(f"{line}\n" for line in lines))
    names = [dependency.package.name.replace("-", "_") for dependency in request.packages]
    imports = "".join(f"\n  import pulumi_{name} as {name}" for name in names)
    return f"You can then import the SDK in your Python code with:\n{imports}\n"


def install(info: Any) -> Iterator[str]:
    """Install a program's requirements into its own virtual environment; yield what happens.

    Raises ``subprocess.CalledProcessError`` when pip does not install them.
    """
    named = info.options.fields["virtualenv"].string_value if "virtualenv" in info.options else ""
    environment = (Path(info.root_directory or ".") / named).resolve()
    listed = Path(info.program_directory or ".") / REQUIREMENTS
    if not named or environment == (ROOT / ".venv").resolve():
        yield "The Python environment is managed by `make`; nothing was installed.\n"
        return
    if not (environment / "bin" / "python").exists():
        yield f"Making the virtual environment {named}\n"
        _run(sys.executable, "-m", "venv", environment)
    if listed.exists():
        yield f"Installing {REQUIREMENTS} into {named}\n"
        pip = (environment / "bin" / "python", "-m", "pip", "install", "--quiet")
        _run(*pip, "--disable-pip-version-check", "-r", REQUIREMENTS, cwd=listed.parent)


def _run(*command: str | Path, cwd: Path | None = None) -> None:
    subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
