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
