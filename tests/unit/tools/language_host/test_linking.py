# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import struct_pb2
from pulumi.runtime.proto import language_pb2, plugin_pb2

from tools.language_host.linking import ROOT, install, link


def program(folder: Path, virtualenv: str = "") -> Any:
    options = struct_pb2.Struct()
    if virtualenv:
        options["virtualenv"] = virtualenv
    return language_pb2.ProgramInfo(
        root_directory=str(folder), program_directory=str(folder), entry_point=".", options=options
    )


def request(folder: Path, *names: str) -> Any:
    packages = [
        language_pb2.LinkRequest.LinkDependency(
            path=f"sdks/{name}", package=plugin_pb2.PackageDependency(name=name, kind="resource")
        )
        for name in names
    ]
    return language_pb2.LinkRequest(info=program(folder), packages=packages)


def test_an_sdk_is_named_once_beside_what_the_program_requires(tmp_path: Path) -> None:
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("pulumi>=3,<4")
    for _ in range(2):
        told = link(request(tmp_path, "gateway", "kafka-gateway"))
    assert requirements.read_text() == "pulumi>=3,<4\n./sdks/gateway\n./sdks/kafka-gateway\n"
    assert "import pulumi_gateway as gateway" in told
    assert "import pulumi_kafka_gateway as kafka_gateway" in told


def test_a_program_without_requirements_gets_some(tmp_path: Path) -> None:
    link(request(tmp_path, "gateway"))
    assert (tmp_path / "requirements.txt").read_text() == "./sdks/gateway\n"


def test_an_sdk_is_installed_into_the_programs_own_environment(tmp_path: Path) -> None:
    sdk = tmp_path / "sdks" / "gateway"
    sdk.mkdir(parents=True)
    (sdk / "pyproject.toml").write_text(
        '[project]\nname = "pulumi_gateway"\nversion = "1.2.3"\n'
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    )
    # The smallest backend of PEP 517: what is installed needs nothing from an index.
    (sdk / "backend.py").write_text(
        "import zipfile\n"
        "def build_wheel(folder, *_):\n"
        "    name = 'pulumi_gateway-1.2.3-py3-none-any.whl'\n"
        "    info = 'pulumi_gateway-1.2.3.dist-info'\n"
        "    with zipfile.ZipFile(f'{folder}/{name}', 'w') as wheel:\n"
        "        wheel.writestr('pulumi_gateway.py', 'MARK = 5')\n"
        "        meta = 'Metadata-Version: 2.1\\nName: pulumi_gateway\\nVersion: 1.2.3\\n'\n"
        "        wheel.writestr(f'{info}/METADATA', meta)\n"
        "        wheel.writestr(f'{info}/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\n'\n"
        "                       'Tag: py3-none-any\\n')\n"
        "        wheel.writestr(f'{info}/RECORD', '')\n"
        "    return name\n"
    )
    link(request(tmp_path, "gateway"))
    said = "".join(install(program(tmp_path, "venv")))
    assert "requirements.txt" in said
    python = tmp_path / "venv" / "bin" / "python"
    printed = subprocess.run(
        [python, "-c", "import pulumi_gateway; print(pulumi_gateway.MARK)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert printed.stdout == "5\n"


def test_what_cannot_be_installed_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("./no-such-folder\n")
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "bin" / "python").symlink_to(sys.executable)
    with pytest.raises(subprocess.CalledProcessError) as failed:
        list(install(program(tmp_path, "venv")))
    assert "no-such-folder" in failed.value.stderr


@pytest.mark.parametrize("named", ["", str(ROOT / ".venv")])
def test_nothing_is_installed_into_the_environment_of_the_project(
    tmp_path: Path, named: str
) -> None:
    (tmp_path / "requirements.txt").write_text("./no-such-folder\n")
    (said,) = install(program(tmp_path, named))
    assert "make" in said
