# SPDX-License-Identifier: Apache-2.0
"""The example programs on the real engine: up, nothing to change, down."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.broker import Broker
from tests.support.cli_environment import cli_environment
from tests.support.fake_control_plane import FakeControlPlane
from tools.stubs.install import install, script
from tools.stubs.world import World

ROOT = Path(__file__).resolve().parents[2]
HOSTS = f"{ROOT}/.tools/yaml:{ROOT}/.tools/sdk"
pytestmark = pytest.mark.engine


class Example:
    """An example in a copy of its own beside the project's parts, with its own backend.

    ``on_stubs``: the clouds and our own provider are stubs.
    """

    def __init__(self, folder: Path, name: str, *, on_stubs: bool = False) -> None:
        self.folder = folder / "examples" / name
        shutil.copytree(ROOT / "examples" / name, self.folder)
        for part in (".venv", "components", "gateway"):
            (folder / part).symlink_to(ROOT / part)
        if on_stubs:
            install(folder / "home")
            script(folder / "provider", "gateway", "0.1.0")
            (folder / "world").mkdir()
        else:
            (folder / "provider").symlink_to(ROOT / "provider")
        (folder / "state").mkdir()
        tools = [f"{ROOT}/.tools/pulumi", f"{ROOT}/.venv/bin"]
        self._environment = cli_environment(
            folder,
            folder / "state",
            PATH=":".join([*tools, os.environ["PATH"], HOSTS]),
            STUB_WORLD=str(folder / "world"),
        )
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


@pytest.fixture(scope="module")
def yaml_host() -> None:
    """What runs programs in YAML; without it the test is skipped, and says so."""
    made = subprocess.run(
        [sys.executable, "tools/bootstrap.py", "pulumi", "yaml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"no language host of programs in YAML: {made.stderr}")


@pytest.mark.usefixtures("yaml_host")
def test_yaml(tmp_path: Path) -> None:
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


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not on PATH")
def test_typescript(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "tools/bootstrap.py", "pulumi", "sdk"], cwd=ROOT, check=True)
    example = Example(tmp_path, "typescript")
    told = example("package", "add", "../../provider")
    assert 'import * as gateway from "@pulumi/gateway";' in told
    with FakeControlPlane().running() as plane:
        example("config", "set", "adminUrl", plane.url)
        example("config", "set", "--secret", "adminToken", plane.token)
        assert plane.token not in example("up", "--yes")
        assert set(plane.documents) == {"typescript-test"}
        example("preview", "--expect-no-changes")
        example("destroy", "--yes")
        assert plane.documents == {}


@pytest.mark.usefixtures("yaml_host")
def test_own_kafka_and_cluster(tmp_path: Path) -> None:
    example = Example(tmp_path, "own-kafka-and-cluster", on_stubs=True)
    kubeconfig = {"clusters": [{"name": "mine", "cluster": {"server": "https://mine.test"}}]}
    for name, value in {
        "bootstrapServers": "a.test:9092,b.test:9092",
        "apiKey": "key",
        "imageDigest": f"sha256:{'5b' * 32}",
    }.items():
        example("config", "set", name, value)
    example("config", "set", "--secret", "apiSecret", "made-up-secret")
    example("config", "set", "--secret", "kubeconfig", json.dumps(kubeconfig))
    shown = example("up", "--yes", "--color", "never")
    assert "made-up-secret" not in shown
    world = World(tmp_path / "world")
    releases = {thing.id for thing in world.things() if thing.type.endswith(":Release")}
    assert len(releases) == 2
    inside = {thing.place for thing in world.things() if thing.type.startswith("kubernetes:")}
    assert inside == {"https://mine.test"}
    example("preview", "--expect-no-changes")
    assert "made-up-secret" not in example("stack", "export")
    example("destroy", "--yes")
    assert list(world.things()) == []


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
