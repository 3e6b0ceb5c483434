# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.names.property_paths import (
    PropertyPath,
    entity_path,
    parse_path,
    render_path,
    split_problem,
    value_at,
)

_names = st.text(min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("paths", 0), "paths[0]"),
        (("headers", "x-y", 1), 'headers["x-y"][1]'),
        (("config", "security", "ssl"), "config.security.ssl"),
        ((), ""),
    ],
)
def test_a_path_is_written_as_the_engine_spells_it(path: PropertyPath, text: str) -> None:
    assert render_path(path) == text


def test_the_name_of_an_entity_always_stands_in_brackets() -> None:
    path = entity_path(entity_path("", "services", "a"), "routes", 'b"c')
    assert path == 'services["a"].routes["b\\"c"]'
    assert parse_path(path) == ("services", "a", "routes", 'b"c')


@given(st.lists(_names | st.integers(0, 99), min_size=1, max_size=5))
def test_paths_are_read_as_they_are_spelt(steps: list[str | int]) -> None:
    steps[0] = str(steps[0])
    assert parse_path(render_path(tuple(steps))) == tuple(steps)


def test_names_of_entities_stand_in_brackets_as_documents_spell_them() -> None:
    path = 'services["a"].routes["b"].plugins["kafka-upstream"].config.topic'
    parsed = parse_path(path)
    assert parsed == (
        "services",
        "a",
        "routes",
        "b",
        "plugins",
        "kafka-upstream",
        "config",
        "topic",
    )


def test_nonsense_is_no_path() -> None:
    with pytest.raises(ValueError, match="not a property path"):
        parse_path("a[b")


@given(st.lists(_names, min_size=1, max_size=4), st.text())
def test_a_problem_is_split_behind_its_path(names: list[str], text: str) -> None:
    path = render_path(("services", *names))
    assert split_problem(f"{path}: {text}") == (path, text)


def test_a_problem_without_a_path_is_left_whole() -> None:
    assert split_problem("no path: at all") == ("", "no path: at all")


@pytest.mark.parametrize(
    ("path", "expected"),
    [((), ...), (("a", 1), 3), (("a", 2), None), (("a", "x"), None), (("b",), None)],
)
def test_a_value_is_found_at_its_path(path: PropertyPath, expected: Any) -> None:
    value = {"a": [2, 3]}
    assert value_at(value, path) == (value if expected is ... else expected)
