# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.entities.paths import check_route_path, normal_form

VECTORS = json.loads(Path("tests/vectors/routing-rules.json").read_text())["normalise"]
PLAIN = [v for v in VECTORS if v["in"].startswith("/") and "out" in v and not v["merge"]]


@pytest.mark.parametrize("vector", PLAIN, ids=lambda vector: str(vector["in"]))
def test_the_normal_form_is_the_one_requests_get(vector: dict[str, Any]) -> None:
    assert normal_form(vector["in"]) == vector["out"]


@pytest.mark.parametrize(
    "path", ["/", "/a", "/a/b/", "/endeløst", "/a-b_c~.d", "~/a/(?<id>[0-9]+)$"]
)
def test_usual_paths_are_fine(path: str) -> None:
    assert check_route_path(path) == ""


@pytest.mark.parametrize("path", ["", "a", "~a", "/a/./b", "/a/..", "~/(", "~/(?!x)", "/%41"])
def test_paths_that_no_request_can_reach_are_refused(path: str) -> None:
    assert check_route_path(path)
