# SPDX-License-Identifier: Apache-2.0
"""The example programs on the real engine: up, nothing to change, down."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.broker import Broker
from tests.support.fake_control_plane import FakeControlPlane

ROOT = Path(__file__).resolve().parents[2]
HOSTS = str(ROOT / ".tools" / "yaml")
pytestmark = [pytest.mark.engine, pytest.mark.timeout(240)]


class Example:
    """An example in a copy of its own beside the project's parts, with its own backend."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder / "examples" / name
        shutil.copytree(ROOT / "examples" / name, self.folder)
        for part in (".venv", "provider", "gateway"):
            (folder / part).symlink_to(ROOT / part)
        (folder / "state").mkdir()
        self._environment = {
            "PATH": ":".join(
                [f"{ROOT}/.tools/pulumi", f"{ROOT}/.venv/bin", os.environ["PATH"], HOSTS]
            ),
            "HOME": os.environ["HOME"],
            "PULUMI_HOME": str(folder / "home"),
            "PULUMI_BACKEND_URL": f"file://{folder}/state",
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
            "PULUMI_ERROR_OUTPUT_STRING": "true",
        }
        self("stack", "init", "test")

    def __call__(self, *arguments: str) -> str:
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def test_routes_only(tmp_path: Path) -> None:
    example = Example(tmp_path, "routes-only")
    with FakeControlPlane().running() as plane:
        example("config", "set", "adminUrl", plane.url)
        example("config", "set", "--secret", "adminToken", plane.token)
        shown = example("up", "--yes")
        assert plane.token not in shown
        assert set(plane.documents) == {"routes-only-test"}
        example("preview", "--expect-no-changes")
        example("destroy", "--yes")
        assert plane.documents == {}


def test_yaml(tmp_path: Path) -> None:
    made = subprocess.run(
        [sys.executable, "tools/bootstrap.py", "pulumi", "yaml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"no language host of programs in YAML: {made.stderr}")
    example = Example(tmp_path, "yaml")
    with FakeControlPlane().running() as plane:
        example("config", "set", "adminUrl", plane.url)
        example("config", "set", "--secret", "adminToken", plane.token)
        shown = example("up", "--yes")
        assert plane.token not in shown
        assert "PRIVATE KEY" not in shown
        (document,) = plane.documents.values()
        assert set(document) == {"certificates", "services"}
        example("preview", "--expect-no-changes")
        example("destroy", "--yes")
        assert plane.documents == {}


@pytest.mark.kafka
def test_own_kafka(tmp_path: Path, broker: Broker) -> None:
    example = Example(tmp_path, "own-kafka")
    (tmp_path / "ca.crt").write_text(broker.authority.certificate)
    for name, value in {
        "bootstrapServers": broker.bootstrap,
        "user": broker.admin[0],
        "caFile": str(tmp_path / "ca.crt"),
    }.items():
        example("config", "set", name, value)
    example("config", "set", "--secret", "password", broker.admin[1])
    assert "+ 5 created" in example("up", "--yes", "--color", "never")
    example("preview", "--expect-no-changes")
    example("destroy", "--yes")
