# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.plugins.logging.paths import PathProblem, parse_path, put


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("a", ("a",)),
        ("new.key", ("new", "key")),
        (r"my\.new.value", ("my.new", "value")),
        ("foo[1].bar[2].woo", ("foo", 0, "bar", 1, "woo")),
        ("a[2][1]", ("a", 1, 0)),
        ("x-y z", ("x-y z",)),
    ],
)
def test_dots_nest_and_brackets_are_places_in_lists(text: str, path: tuple[Any, ...]) -> None:
    assert parse_path(text) == path


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "a.", ".a", "a..b", "a[0]", "a[1001]", "a[x]", "[1]", "a]", "a\\", "a[1]b"),
        *("a" + ".a" * 100, "a" + "[1]" * 100, "a" + ".a" * 100_000),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(text: str) -> None:
    with pytest.raises(PathProblem):
        parse_path(text)


def test_what_leads_to_a_field_is_made() -> None:
    entry: dict[str, Any] = {}
    put(entry, parse_path("foo[1].bar[2].woo"), 456)
    assert entry == {"foo": [{"bar": [None, {"woo": 456}]}]}


def test_none_removes_and_makes_nothing() -> None:
    entry: dict[str, Any] = {"a": {"b": 1, "c": 2}, "d": [1]}
    for path in ("a.b", "x.y", "d[3]", "d[1]", "q"):
        put(entry, parse_path(path), None)
    assert entry == {"a": {"c": 2}, "d": [None]}


@pytest.mark.parametrize("path", ["a.b", "a.b.c", "a[1]", "l.x", "l[1].x"])
def test_a_path_through_a_plain_value_is_an_error(path: str) -> None:
    with pytest.raises(PathProblem, match="no table"):
        put({"a": "text", "l": [1]}, parse_path(path), 1)


@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4))
@settings(max_examples=50)
def test_any_name_can_be_written_with_backslashes(names: list[str]) -> None:
    special = ".\\[]"
    text = ".".join("".join(f"\\{c}" if c in special else c for c in name) for name in names)
    assert parse_path(text) == tuple(names)
