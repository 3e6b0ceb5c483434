# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.entities.problems import Problem, choices, kong_fields, render_path
from gateway.entities.route import Route
from gateway.entities.shape import shape_of


@pytest.mark.parametrize(
    ("location", "path"),
    [
        (("paths", 0), "paths[0]"),
        (("headers", "x-y", 1), 'headers["x-y"][1]'),
        (("config", "security", "ssl"), "config.security.ssl"),
        ((), ""),
    ],
)
def test_a_location_is_rendered_as_a_property_path(
    location: tuple[str | int, ...], path: str
) -> None:
    assert render_path(location) == path


def test_advice_has_the_nearest_spelling_and_everything_allowed() -> None:
    assert choices("topik", ["topic", "timeout"]) == (
        'did you mean "topic"? allowed: topic, timeout'
    )
    assert choices("zzz", ["topic"]) == "allowed: topic"


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
