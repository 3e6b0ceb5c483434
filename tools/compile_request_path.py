# SPDX-License-Identifier: Apache-2.0
"""Compiles the request path with mypyc and installs it into this environment, where gcc is.

``python -m tools.compile_request_path``: nothing happens where what is installed was made of the
same source. Without a C compiler or the headers of Python, the Python runs: said, and no error.
``wheel FOLDER`` makes a wheel in a folder instead, which is where the image has it from; there it
is an error.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile

from gateway.compiled import DIGEST, MODULES, PACKAGE, digest, source_of

_TOP = Path(__file__).resolve().parents[1]
_SETUP = """
import sys
from setuptools import setup
from mypyc.build import mypycify
config, package, *files = sys.argv[1:]
extensions = mypycify(
    ["--config-file", config, "--python-executable", sys.executable, *files],
    opt_level="3",
    debug_level="0",
    target_dir="made",
)
commands = ["build_ext", "--build-lib", package, "--build-temp", "temp"]
script = ["--no-user-cfg", *commands]
setup(name="compiled", packages=[], ext_modules=extensions, script_args=script)
"""
_METADATA = """\
Metadata-Version: 2.1
Name: kafka-gateway-compiled
Version: {version}
Summary: The request path of kafka-gateway, compiled.
"""
_WHEEL = """\
Wheel-Version: 1.0
Generator: tools.compile_request_path
Root-Is-Purelib: false
Tag: {tag}
"""


def main(arguments: Sequence[str]) -> int:
    """Compile and install, or make a wheel; return an exit code."""
    if not arguments:
        return _install()
    if len(arguments) != 2 or arguments[0] != "wheel":
        print("usage: python -m tools.compile_request_path [wheel FOLDER]", file=sys.stderr)
        return 2
    return _make_wheel(Path(arguments[1]))


def _install() -> int:
    """Install into this environment; where that cannot be done, the Python runs."""
    place = Path(sysconfig.get_path("purelib"), PACKAGE)
    made_of = place / DIGEST
    if made_of.is_file() and made_of.read_text() == digest():
        return 0
    with TemporaryDirectory() as folder:
        failure = _compile(Path(folder))
        if failure:
            print(f"==> compiled request path: {failure}, so it is off", file=sys.stderr)
            return 0
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(Path(folder, PACKAGE), place)
    return 0


def _make_wheel(wheels: Path) -> int:
    """Write a wheel for this Python and this platform, and its glibc or a newer one."""
    version = tomllib.loads((_TOP / "pyproject.toml").read_text())["project"]["version"]
    with TemporaryDirectory() as folder:
        failure = _compile(Path(folder))
        if failure:
            print(f"no wheel of the compiled request path: {failure}", file=sys.stderr)
            return 1
        write_wheel(Path(folder), version, wheels)
    return 0


def write_wheel(folder: Path, version: str, wheels: Path) -> None:
    """Pack what was compiled into ``folder`` for pip (PEP 427)."""
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    platform = re.sub("[-.]", "_", sysconfig.get_platform())
    tag = f"{python}-{python}-{platform}"
    about = f"{PACKAGE}-{version}.dist-info"
    files = {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted((folder / PACKAGE).rglob("*"))
        if file.is_file()
    }
    files[f"{about}/METADATA"] = _METADATA.format(version=version).encode()
    files[f"{about}/WHEEL"] = _WHEEL.format(tag=tag).encode()
    record = [f"{name},{_sum(content)},{len(content)}\n" for name, content in files.items()]
    files[f"{about}/RECORD"] = "".join([*record, f"{about}/RECORD,,\n"]).encode()
    with ZipFile(wheels / f"{PACKAGE}-{version}-{tag}.whl", "w", ZIP_DEFLATED) as wheel:
        for name, content in files.items():
            wheel.writestr(name, content)


def _sum(content: bytes) -> str:
    return "sha256=" + urlsafe_b64encode(sha256(content).digest()).decode().rstrip("=")


def _compile(folder: Path) -> str:
    """Compile, into the package that is to be installed; return why not, if not."""
    missing = _missing()
    if missing:
        return missing
    print("==> compiled request path: mypyc translates it", file=sys.stderr)
    log = _TOP / ".tools" / "compiled.log"
    log.parent.mkdir(exist_ok=True)
    wanted = digest()
    files = [str(source_of(module).relative_to(_TOP)) for module in MODULES]
    # Not in the project's folder, whose pyproject.toml setuptools would read.
    (folder / "gateway").symlink_to(_TOP / "gateway")
    command = [sys.executable, "-P", "-c", _SETUP, str(_TOP / "pyproject.toml"), PACKAGE, *files]
    with log.open("w") as output:
        done = subprocess.run(command, cwd=folder, stdout=output, stderr=output, check=False)
    if done.returncode:
        return f"failed ({log})"
    (folder / PACKAGE / DIGEST).write_text(wanted)
    return ""


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
    sys.exit(main(sys.argv[1:]))
