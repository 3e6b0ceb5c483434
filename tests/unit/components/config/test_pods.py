# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.config.pods import (
    OURS,
    PodConfig,
    read_control_plane_pods,
    read_data_plane_pods,
)
from components.config.reader import ConfigReader


def data_plane(
    resources: Mapping[str, object], workers: int = 2, *, konnect: bool = False
) -> tuple[PodConfig, list[str]]:
    given = {"resources": json.dumps(resources), "workers": str(workers)}
    reader = ConfigReader("prod", given)
    return read_data_plane_pods(reader, konnect=konnect), reader.problems


def test_without_a_word_pods_have_what_the_chart_gives_them() -> None:
    found, problems = data_plane({})
    assert not problems
    assert found == PodConfig("500m", "", "256Mi", "512Mi", 2)
    assert found.resources() == {
        "requests": {"cpu": "500m", "memory": "256Mi"},
        "limits": {"memory": "512Mi"},
    }
    assert data_plane({}, konnect=True)[0].memory_limit == "2Gi"
    reader = ConfigReader("prod", {})
    assert read_control_plane_pods(reader) == PodConfig("500m", "", "256Mi", "512Mi")


def test_what_is_given_counts_and_an_empty_one_is_none() -> None:
    given = {"cpu": "2", "cpuLimit": "4", "memory": "1Gi", "memoryLimit": ""}
    found, problems = data_plane(given, 8)
    assert not problems
    assert found.resources() == {
        "requests": {"cpu": "2", "memory": "1Gi"},
        "limits": {"cpu": "4"},
    }


def test_a_request_beyond_a_limit_that_nobody_set_moves_it_along() -> None:
    assert data_plane({"memory": "1Gi"})[0].memory_limit == "1Gi"
    assert data_plane({"memory": "300Mi"})[0].memory_limit == OURS["memoryLimit"]


@pytest.mark.parametrize(
    ("resources", "workers", "said"),
    [
        ({"ram": "1Gi"}, 2, "resources.ram: unknown; allowed: cpu, cpuLimit, memory, memoryLimit"),
        ({"memory": "lots"}, 2, "resources.memory: 'lots' is no quantity"),
        ({"memory": "512MB"}, 2, "resources.memory: '512MB' is no quantity"),
        ({"memory": "512m"}, 2, "resources.memory: '512m' is less than 1Mi"),
        ({"cpu": "-1"}, 2, "resources.cpu: '-1' is no quantity"),
        ({"cpu": 2}, 2, "resources.cpu: 2 is not a text"),
        ({"cpu": "0"}, 2, "resources.cpu: '0' is no quantity"),
        ({"cpu": "2", "cpuLimit": "1500m"}, 2, "resources.cpu: 2 is more than cpuLimit, 1500m"),
        ({"memory": "2Gi", "memoryLimit": "1Gi"}, 2, "2Gi is more than memoryLimit, 1Gi"),
        ({}, 20, "resources.memoryLimit: 512Mi is too little for 20 workers; at least 1344Mi"),
        ({"memory": "64Mi", "memoryLimit": "100Mi"}, 1, "at least 128Mi, or fewer workers"),
        ({}, 257, "workers: 257 is not a whole number from 0 to 256"),
    ],
)
def test_what_no_pod_can_be_made_of_is_told_with_the_remedy(
    resources: Mapping[str, object], workers: int, said: str
) -> None:
    _, problems = data_plane(resources, workers)
    assert any(said in problem for problem in problems), problems


@given(st.integers(1, 4000), st.integers(1, 4000), st.integers(0, 256))
def test_what_passes_asks_for_no_more_than_its_limit_and_carries_its_workers(
    memory: int, limit: int, workers: int
) -> None:
    given = {"memory": f"{memory}Mi", "memoryLimit": f"{limit}Mi"}
    _, problems = data_plane(given, workers)
    assert bool(problems) == (memory > limit or limit < 64 + 64 * workers)
