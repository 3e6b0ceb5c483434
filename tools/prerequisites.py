# SPDX-License-Identifier: Apache-2.0
"""What only the user can install, looked for before anything is installed.

Only the standard library is used, since nothing is installed yet.
"""

from __future__ import annotations

import importlib.util
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection
from pathlib import Path

JAVA, GO = 17, (1, 26)
"""The oldest that will do."""
WHEELS = {
    ("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "x86_64"), ("darwin", "arm64"),
    ("windows", "amd64"),
}  # fmt: skip
"""System and machine that a Java runtime can be had for without an installation."""


def usable_java() -> str | None:
    """Return the Java on PATH, or None when there is none of 17 or later."""
    java = shutil.which("java")
    if java is None:
        return None
    printed = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)', printed.stderr)
    return java if found and int(found.group(1)) >= JAVA else None


def usable_go() -> bool:
    """Whether a Go of 1.26 or later is on PATH."""
    go = shutil.which("go")
    if go is None:
        return False
    printed = subprocess.run([go, "version"], capture_output=True, text=True, check=False)
    found = re.search(r"go(\d+)\.(\d+)", printed.stdout)
    return found is not None and (int(found.group(1)), int(found.group(2))) >= GO


def has_java_wheel() -> bool:
    """Whether a Java runtime can be installed as a package on this machine."""
    return (platform.system().lower(), platform.machine().lower()) in WHEELS


def is_of_this_python(environment: Path) -> bool:
    """Whether a virtual environment runs the very Python that runs this, and runs at all."""
    ask = (environment / "bin" / "python", "-c", "import sys; print(sys.version)")
    try:
        done = subprocess.run(ask, capture_output=True, text=True, check=False)
    except OSError:
        return False
    return done.stdout.rstrip("\n") == sys.version


def missing(
    steps: Collection[str], is_done: Callable[[str], bool], can_download: Callable[[], bool]
) -> list[str]:
    """Return what is missing for the steps that are not done, a sentence each.

    ``can_download`` says whether the Pulumi archive can be had; it is asked only where nothing
    else will do.
    """
    problems = []
    needed = [step for step in steps if not is_done(step)]
    if {"venv", "policies"} & {*needed} and importlib.util.find_spec("ensurepip") is None:
        problems.append(
            "Python's ensurepip, which makes virtual environments (Debian and Ubuntu: the package "
            "python3-venv)"
        )
    if "pulumi" in needed and not usable_go() and not can_download():
        problems.append(
            f"the Pulumi CLI: its archive cannot be downloaded, and Go {GO[0]}.{GO[1]} or later, "
            "which would build it, is not on PATH"
        )
    if "kafka" in steps and platform.system() != "Linux":
        problems.append("Linux: the stack `local` looks at its processes through /proc")
    if "kafka" in needed and usable_java() is None and not has_java_wheel():
        problems.append(f"Java {JAVA} or later on PATH, for the local Kafka (a runtime is enough)")
    return problems
