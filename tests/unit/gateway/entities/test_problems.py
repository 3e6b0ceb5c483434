# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from gateway.entities.problems import Problem, kong_fields
from gateway.entities.route import Route
from gateway.entities.shape import shape_of


def test_kongs_shape_counts_from_one_and_leaves_map_keys_out() -> None:
    problems = [
        Problem(("headers", "location", 0), "too short"),
        Problem(("paths", 1), "wrong"),
        Problem((), "all of it", whole=True),
    ]
    assert kong_fields(problems, shape_of(Route)) == {
        "headers": {"1": "too short"},
        "paths": {"2": "wrong"},
        "@entity": ["all of it"],
    }
