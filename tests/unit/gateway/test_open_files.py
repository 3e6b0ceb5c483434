# SPDX-License-Identifier: Apache-2.0
"""Connections of clients leave descriptors for what their requests need."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from gateway import open_files
from gateway.open_files import allow_connections, allow_open_files


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Soft and hard limit of a process that is not this one: a hard limit never goes up again."""
    kept = [1024, 4096]

    def setrlimit(kind: int, wanted: tuple[int, int]) -> None:
        assert kind == resource.RLIMIT_NOFILE
        assert wanted[0] <= wanted[1] or wanted[1] == resource.RLIM_INFINITY
        kept[:] = wanted

    stand_in = SimpleNamespace(
        RLIMIT_NOFILE=resource.RLIMIT_NOFILE,
        RLIM_INFINITY=resource.RLIM_INFINITY,
        getrlimit=lambda kind: tuple(kept),
        setrlimit=setrlimit,
    )
    monkeypatch.setattr(open_files, "resource", stand_in)
    yield kept


def test_the_soft_limit_rises_to_what_is_wanted(limits: list[int]) -> None:
    assert allow_open_files(2000) == 2000
    assert limits == [2000, 4096]


def test_the_soft_limit_rises_to_the_hard_one_at_most(limits: list[int]) -> None:
    assert allow_open_files(100_000) == 4096
    assert limits == [4096, 4096]


def test_a_limit_that_is_high_enough_stays(limits: list[int]) -> None:
    assert allow_open_files(100) == 1024
    limits[0] = resource.RLIM_INFINITY
    assert allow_open_files(100) == 100
    assert limits == [resource.RLIM_INFINITY, 4096]


def test_without_a_hard_limit_everything_is_had(limits: list[int]) -> None:
    limits[1] = resource.RLIM_INFINITY
    assert allow_connections(100_000) == 100_000
    assert limits == [200_256, resource.RLIM_INFINITY]


def test_fewer_connections_are_taken_than_there_is_room_for(limits: list[int]) -> None:
    assert allow_connections(16384) == (4096 - 256) // 2
    assert allow_connections(1000) == 1000
    limits[:] = 200, 200
    assert allow_connections(1000) == 1
