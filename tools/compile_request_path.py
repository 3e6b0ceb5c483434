# SPDX-License-Identifier: Apache-2.0
"""Compiles the request path with mypyc and installs it into this environment, where gcc is.

``python -m tools.compile_request_path``: nothing happens where what is installed was made of the
same source. Without a C compiler or the headers of Python, the Python runs: said, and no error.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.compiled import DIGEST, MODULES, PACKAGE, digest, source_of

_TOP = Path(__file__).resolve().parents[1]
_SETUP = """
import sys
from setuptools import setup
from mypyc.build import mypycify
config, *files = sys.argv[1:]
extensions = mypycify(
    ["--config-file", config, "--python-executable", sys.executable, *files],
    opt_level="3",
    debug_level="0",
    target_dir="made",
)
commands = ["build_ext", "--build-lib", "lib", "--build-temp", "temp"]
script = ["--no-user-cfg", *commands]
setup(name="compiled", packages=[], ext_modules=extensions, script_args=script)
"""


def main() -> int:
    """Compile and install."""
    place = Path(sysconfig.get_path("purelib"), PACKAGE)
    made_of = place / DIGEST
    wanted = digest()
    if made_of.is_file() and made_of.read_text() == wanted:
        return 0
    missing = _missing()
    if missing:
        print(f"==> compiled request path: {missing}, so it is off", file=sys.stderr)
        return 0
    print("==> compiled request path: mypyc translates it", file=sys.stderr)
    log = _TOP / ".tools" / "compiled.log"
    log.parent.mkdir(exist_ok=True)
    with TemporaryDirectory() as target:
        files = [str(source_of(module).relative_to(_TOP)) for module in MODULES]
        # Not in the project's folder, whose pyproject.toml setuptools would read.
        Path(target, "gateway").symlink_to(_TOP / "gateway")
        command = [sys.executable, "-P", "-c", _SETUP, str(_TOP / "pyproject.toml"), *files]
        with log.open("w") as output:
            done = subprocess.run(command, cwd=target, stdout=output, stderr=output, check=False)
        if done.returncode:
            print(f"==> compiled request path: failed ({log}), so it is off", file=sys.stderr)
            return 0
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(Path(target, "lib"), place)
    made_of.write_text(wanted)
    return 0


def _missing() -> str:
    """Return what there is not to compile with; empty when all is there."""
    compiler = os.environ.get("CC", "gcc")
    if shutil.which(compiler) is None:
        return f"no {compiler} on PATH"
    if find_spec("setuptools") is None:
        return "no setuptools"
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        return "no headers of Python"
    return ""


if __name__ == "__main__":
    sys.exit(main())
