# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from pathlib import Path
from uuid import UUID

import pytest

from gateway.data_plane.node import node_id, processors

AVAILABLE = len(os.sched_getaffinity(0))


def test_the_node_id_is_the_same_after_a_restart(tmp_path: Path) -> None:
    first = node_id(tmp_path / "prefix")
    assert UUID(first)
    assert node_id(tmp_path / "prefix") == first
    assert (tmp_path / "prefix" / "kong.id").read_text().strip() == first


def test_a_damaged_id_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "kong.id").write_text("nonsense")
    assert UUID(node_id(tmp_path))


def test_without_a_quota_all_processors_of_the_affinity_count(tmp_path: Path) -> None:
    assert processors(tmp_path) == AVAILABLE
    (tmp_path / "cpu.max").write_text("max 100000\n")
    assert processors(tmp_path) == AVAILABLE


@pytest.mark.parametrize(("quota", "expected"), [(50000, 1), (100000, 1), (150000, 2)])
def test_a_quota_of_the_cgroup_cuts_the_number(tmp_path: Path, quota: int, expected: int) -> None:
    (tmp_path / "cpu.max").write_text(f"{quota} 100000\n")
    assert processors(tmp_path) == min(expected, AVAILABLE)


def test_the_first_version_of_cgroups_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("100000\n")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert processors(tmp_path) == 1
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("-1\n")
    assert processors(tmp_path) == AVAILABLE
