# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest

from tools.kubernetes import control_groups


def test_every_hierarchy_of_the_first_version_gets_the_group(tmp_path: Path) -> None:
    for name in ("cpu,cpuacct", "memory"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "cgroup.procs").touch()
    (tmp_path / "cpu").symlink_to("cpu,cpuacct")
    control_groups.make("lab", tmp_path)
    assert (tmp_path / "cpu,cpuacct" / "lab").is_dir()
    assert (tmp_path / "memory" / "lab").is_dir()


def test_the_second_version_has_one_hierarchy(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("cpu memory\n")
    (tmp_path / "system.slice").mkdir()
    control_groups.make("lab", tmp_path)
    assert (tmp_path / "lab").is_dir()
    assert not (tmp_path / "system.slice" / "lab").exists()


def test_the_group_goes_with_all_below_it(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").touch()
    (tmp_path / "lab" / "kubepods" / "pod1").mkdir(parents=True)
    control_groups.remove("lab", tmp_path)
    assert not (tmp_path / "lab").exists()


def test_a_group_that_stays_in_use_is_told(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").touch()
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "held").touch()
    with pytest.raises(TimeoutError, match="still in use"):
        control_groups.remove("lab", tmp_path, within=0)


@pytest.mark.parametrize(
    ("usage", "inactive"),
    [("memory.current", "inactive_file"), ("memory.usage_in_bytes", "total_inactive_file")],
)
def test_what_a_pod_takes_is_without_pages_that_nobody_uses(
    tmp_path: Path, usage: str, inactive: str
) -> None:
    pod = tmp_path / "memory" / "lab" / "kubepods" / "burstable" / "pod1"
    pod.mkdir(parents=True)
    (pod / usage).write_text("1000\n")
    (pod / "memory.stat").write_text(f"cache 300\n{inactive} 100\nactive_file 200\n")
    assert control_groups.working_set("**/pod1", tmp_path) == 900
    with pytest.raises(FileNotFoundError, match="pod2: no group"):
        control_groups.working_set("**/pod2", tmp_path)
