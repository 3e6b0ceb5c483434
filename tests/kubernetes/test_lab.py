# SPDX-License-Identifier: Apache-2.0
"""The lab itself: two do not meet, and one whose user was killed leaves nothing that runs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kubernetes.cluster import Cluster
from tests.support.processes import running_in
from tests.support.waiting import eventually
from tools.kubernetes import control_groups
from tools.kubernetes.lab import remove_leftovers
from tools.stubs.install import ROOT

pytestmark = [pytest.mark.kubernetes, pytest.mark.timeout(300)]

SECOND = """
import sys
from tools.kubernetes.image import ensure
from tools.kubernetes.lab import Lab
with Lab(ensure()[0], say=lambda text: None) as lab:
    print(lab.run.folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def second() -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Give another user's process with a lab of its own, and that lab's folder."""
    with subprocess.Popen(
        [sys.executable, "-c", SECOND],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
        process.kill()


def groups(name: str) -> list[Path]:
    return list(control_groups.ROOT.glob(f"**/{name}"))


def test_a_killed_run_leaves_nothing_running_and_the_next_removes_the_rest(
    cluster: Cluster, second: tuple[subprocess.Popen[str], Path]
) -> None:
    process, folder = second
    assert folder != cluster.lab.run.folder
    assert groups(folder.name)
    assert len(running_in(folder)) > 5
    # Both have the same addresses, each in a network of its own.
    assert cluster.get("nodes")["items"][0]["metadata"]["name"] == "node1"
    os.kill(process.pid, signal.SIGKILL)
    eventually(lambda: not running_in(folder), within=60)
    said: list[str] = []
    remove_leftovers(said.append)
    assert not folder.exists()
    assert any(folder.name in text for text in said)
    assert not groups(folder.name)
    mounts = Path("/proc/mounts").read_text()
    assert str(folder) not in mounts
    # The one in use was not mistaken for a leftover.
    assert cluster.lab.run.folder.exists()
    assert cluster.get("nodes")["items"]
