# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tools.kubernetes import layout
from tools.kubernetes.components import commands, write_files

RUN_NAME = "kafka-gateway-lab-12345678"


@pytest.fixture
def run(tmp_path: Path) -> layout.Run:
    made = layout.Run(tmp_path / RUN_NAME)
    write_files(made, Path("/usr/sbin/runc"), Path("/usr/lib/cni"), "registry.local/pause:1")
    return made


def test_every_configuration_that_a_command_names_was_written(run: layout.Run) -> None:
    text = json.dumps(commands(run))
    named = re.findall(rf"{re.escape(str(run.folder))}/[\w./-]+\.(?:toml|json|conflist)", text)
    assert len(set(named)) == 5
    assert all(Path(file).is_file() for file in named)
    assert run.file("Corefile").is_file()


def test_pods_are_below_the_runs_own_control_group(run: layout.Run) -> None:
    for node, group in ((layout.FIRST, f"/{RUN_NAME}"), (layout.SECOND, f"/{RUN_NAME}/node2")):
        kubelet = json.loads(run.file(node.name, "kubelet.json").read_text())
        assert kubelet["cgroupRoot"] == group


def test_two_nodes_share_no_folder(run: layout.Run) -> None:
    first, second = (
        re.findall(
            rf"{re.escape(str(run.folder))}/node[\w./-]+|/run/containerd[\w/-]*",
            "".join(file.read_text() for file in run.file(node.name, "x").parent.iterdir()),
        )
        for node in layout.NODES
    )
    assert first
    assert not set(first) & set(second)


def test_nothing_of_a_component_is_outside_the_runs_folder(run: layout.Run) -> None:
    for node in layout.NODES:
        kubelet = json.loads(run.file(node.name, "kubelet.json").read_text())
        for name in ("podLogsDir", "volumePluginDir"):
            assert kubelet[name].startswith(str(run.folder))
        runtime = run.file(node.name, "containerd.toml").read_text()
        assert f'root = "{run.folder}/{node.name}/containerd"' in runtime


def test_two_runs_never_share_a_folder() -> None:
    names = {layout.Run.new().folder for _ in range(50)}
    assert len(names) == 50


def test_a_kubeconfig_needs_no_other_file() -> None:
    known = json.loads(layout.kubeconfig("QQ==", "token"))
    assert known["clusters"][0]["cluster"]["certificate-authority-data"] == "QQ=="
    assert known["users"][0]["user"] == {"token": "token"}
