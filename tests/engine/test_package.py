# SPDX-License-Identifier: Apache-2.0
"""The provider as a package for other programs: its schema and SDKs by the real CLI."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from provider.schema import package_schema
from tests.support.cli_environment import cli_environment
from tests.support.fake_control_plane import FakeControlPlane

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.engine

PROGRAM = """
import pulumi
import pulumi_gateway as gateway

authority = gateway.ClusterCertificate("ca", kind="ca", common_name="x")
endpoint = gateway.kafka.EndpointArgs(bootstrap_servers="127.0.0.1:9092")
topic = gateway.kafka.Topic("orders", name="orders", endpoint=endpoint)
configuration = gateway.Configuration(
    "routes", admin={"url": "http://127.0.0.1:8001"}, owner="me", document={"services": {}}
)
number: pulumi.Output[int] = configuration.release
key: pulumi.Output[str] = authority.private_key_pem
"""


def run(*command: str | Path, cwd: Path = ROOT, **environment: str) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def sdks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdks")
    run(sys.executable, "tools/bootstrap.py", "sdk")
    run("tools/sdks", folder, PULUMI_HOME=str(folder / "home"))
    return folder


def test_the_command_line_shows_the_whole_schema(tmp_path: Path) -> None:
    shown = run(
        "pulumi",
        "package",
        "get-schema",
        "./provider",
        PATH=f"{ROOT}/.tools/pulumi:{os.environ['PATH']}",
        PULUMI_HOME=str(tmp_path),
        PULUMI_SKIP_UPDATE_CHECK="true",
    )
    assert json.loads(shown)["resources"] == package_schema()["resources"]


def test_the_python_sdk_has_types_that_hold(sdks: Path) -> None:
    package = sdks / "python"
    assert (package / "pulumi_gateway" / "py.typed").exists()
    (package / "program.py").write_text(PROGRAM)
    # The same in every SDK: Pulumi's own helpers are not typed throughout.
    (package / "mypy.ini").write_text("[mypy-pulumi_gateway._utilities]\nignore_errors = True\n")
    run(
        sys.executable,
        "-m",
        "mypy",
        "--no-incremental",
        "pulumi_gateway",
        "program.py",
        cwd=package,
    )


def test_the_typescript_sdk_compiles(sdks: Path) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not on PATH")
    package = sdks / "nodejs"
    run("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", cwd=package)
    run(package / "node_modules" / ".bin" / "tsc", "--noEmit", cwd=package)


def test_the_go_sdk_is_go(sdks: Path) -> None:
    if shutil.which("gofmt") is None:
        pytest.skip("Go is not on PATH")
    files = sorted((sdks / "go").rglob("*.go"))
    assert {"topic.go", "configuration.go", "process.go"} <= {file.name for file in files}
    run("gofmt", "-l", "-e", *files)


class OtherProgram:
    """A Pulumi project of somebody else, which names the provider by its folder."""

    def __init__(self, folder: Path, virtualenv: Path, program: str = "", **more: str) -> None:
        self.folder = folder
        project = {
            "name": "other",
            "runtime": {
                "name": "python",
                "options": {"toolchain": "pip", "virtualenv": str(virtualenv)},
            },
            "plugins": {"providers": [{"name": "gateway", "path": str(ROOT / "provider")}]},
        }
        (folder / "Pulumi.yaml").write_text(json.dumps(project))
        (folder / "__main__.py").write_text(program)
        path = f"{ROOT}/.tools/sdk:{ROOT}/.tools/pulumi:{os.environ['PATH']}"
        self._environment = cli_environment(folder, PATH=path, **more)
        run(sys.executable, "tools/bootstrap.py", "sdk")
        self("stack", "init", "test")

    def __call__(self, *arguments: str | Path) -> str:
        command = ("pulumi", *arguments, "--non-interactive")
        return run(*command, cwd=self.folder, **self._environment)


def test_the_package_is_added_to_a_program(tmp_path: Path) -> None:
    program = (
        "import pulumi\nimport pulumi_gateway as gateway\n"
        "made = gateway.Credential('it', prefix='p')\npulumi.export('key', made.key)\n"
    )
    other = OtherProgram(tmp_path, Path("venv"), program)
    # The program's environment has the project's packages: only what builds the SDK is fetched.
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv")
    (packages,) = (tmp_path / "venv").glob("lib/python3*/site-packages")
    (packages / "shared.pth").write_text(f"{sysconfig.get_paths()['purelib']}\n")
    told = other("package", "add", ROOT / "provider")
    assert "import pulumi_gateway as gateway" in told
    assert (tmp_path / "requirements.txt").read_text() == "./sdks/gateway\n"
    other("up", "--yes")
    assert other("stack", "output", "key").startswith("p-")
    other("destroy", "--yes")


def test_what_is_there_is_imported_by_its_name_with_the_lines_for_the_program(
    tmp_path: Path,
) -> None:
    with FakeControlPlane().running() as plane:
        plane.documents["mine"] = {"services": {"web": {"host": "upstream.test"}}}
        admin = {"KAFKA_GATEWAY_ADMIN_URL": plane.url, "KAFKA_GATEWAY_ADMIN_TOKEN": plane.token}
        other = OtherProgram(tmp_path, ROOT / ".venv", **admin)
        shown = other("import", "gateway:index:Configuration", "routes", "mine", "--yes")
        _, lines = shown.split("import pulumi\n")
        ast.parse(lines)
        assert 'gateway.Configuration("routes"' in lines
        assert '"host": "upstream.test"' in lines
        state = json.loads(other("stack", "export"))["deployment"]["resources"]
        (found,) = (one for one in state if one["type"] == "gateway:index:Configuration")
        assert (found["id"], found["inputs"]["owner"]) == ("mine", "mine")
        assert plane.token not in json.dumps(state)
        assert plane.published == 0
