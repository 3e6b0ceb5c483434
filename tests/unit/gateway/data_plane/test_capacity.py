# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.data_plane.capacity import MEBIBYTE, Capacity, capacity, processors

AVAILABLE = len(os.sched_getaffinity(0))


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


@pytest.mark.parametrize(
    ("cpus", "memory", "workers"),
    [
        (20, 512 * MEBIBYTE, 7),
        (2, 512 * MEBIBYTE, 2),
        (4, 256 * MEBIBYTE, 3),
        (4, 128 * MEBIBYTE, 1),
        (4, 16 * MEBIBYTE, 1),
        (64, None, 64),
    ],
)
def test_there_are_as_many_workers_as_the_memory_has_room_for(
    cpus: int, memory: int | None, workers: int
) -> None:
    assert Capacity(cpus, memory).workers == workers


@given(st.integers(1, 512), st.integers(0, 1 << 40))
def test_workers_never_need_more_than_the_limit_and_one_always_runs(cpus: int, memory: int) -> None:
    workers = Capacity(cpus, memory).workers
    assert 1 <= workers <= cpus
    assert workers == 1 or (workers + 1) * 64 * MEBIBYTE <= memory


@pytest.mark.parametrize("file", ["memory.max", "memory/memory.limit_in_bytes"])
def test_the_memory_limit_of_either_version_is_read(tmp_path: Path, file: str) -> None:
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(f"{512 * MEBIBYTE}\n")
    assert capacity(tmp_path).memory == 512 * MEBIBYTE


@pytest.mark.parametrize("text", ["max", "9223372036854771712", "nonsense", ""])
def test_no_limit_is_no_limit(tmp_path: Path, text: str) -> None:
    (tmp_path / "memory.max").write_text(text)
    assert capacity(tmp_path).memory is None


def test_every_group_above_a_service_limits_it_too(tmp_path: Path) -> None:
    own = tmp_path / "system.slice" / "gateway.service"
    own.mkdir(parents=True)
    (own / "memory.max").write_text("max\n")
    (own / "cpu.max").write_text("max 100000\n")
    (own.parent / "memory.max").write_text(f"{256 * MEBIBYTE}\n")
    (own.parent / "cpu.max").write_text("100000 100000\n")
    membership = tmp_path / "membership"
    membership.write_text("0::/system.slice/gateway.service\n")
    assert capacity(tmp_path, membership) == Capacity(1, 256 * MEBIBYTE)


def test_a_group_of_the_first_version_is_found_by_its_controller(tmp_path: Path) -> None:
    for controller, file, text in (
        ("cpu", "cpu.cfs_quota_us", "100000"),
        ("cpu", "cpu.cfs_period_us", "100000"),
        ("memory", "memory.limit_in_bytes", str(256 * MEBIBYTE)),
    ):
        (tmp_path / controller / "own").mkdir(parents=True, exist_ok=True)
        (tmp_path / controller / "own" / file).write_text(text)
    membership = tmp_path / "membership"
    membership.write_text("4:memory:/own\n3:cpuacct,cpu:/own\n1:name=systemd:/else\n")
    assert capacity(tmp_path, membership) == Capacity(1, 256 * MEBIBYTE)


def test_a_path_of_the_host_seen_from_a_container_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text(str(256 * MEBIBYTE))
    membership = tmp_path / "membership"
    membership.write_text("4:memory:/kubepods/pod1/container\n")
    assert capacity(tmp_path, membership).memory == 256 * MEBIBYTE
