# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from provider.diff import changes_between, compare

_names = st.text(min_size=1, max_size=6)
_values: st.SearchStrategy[Any] = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3),
    max_leaves=8,
)


@given(_values)
def test_nothing_differs_from_itself(value: Any) -> None:
    assert compare(value, value) == {}


@given(st.dictionaries(_names, _values, max_size=3), st.dictionaries(_names, _values, max_size=3))
def test_every_path_leads_to_something_in_one_of_the_two(old: Any, new: Any) -> None:
    for path, kind in compare(old, new).items():
        found = {"delete": [old], "add": [new], "update": [old, new]}[kind]
        for value in found:
            for step in path:
                value = value[step]


def test_a_change_is_found_at_its_leaf() -> None:
    old = {"a": {"b": [1, 2], "c": "x"}, "gone": True}
    new = {"a": {"b": [1, 3], "c": "x", "d": 4}}
    assert compare(old, new) == {("a", "b", 1): "update", ("a", "d"): "add", ("gone",): "delete"}


def test_lists_of_other_lengths_differ_as_a_whole() -> None:
    assert compare({"a": [1]}, {"a": [1, 2]}) == {("a",): "update"}


def test_null_is_the_same_as_missing() -> None:
    assert compare({"a": None}, {}) == {}


def test_edits_may_replace_or_mean_nothing() -> None:
    changes = changes_between({"a": 1, "b": 1}, {"a": 2, "b": 2}, ["a"], ["b"])
    assert [(change.path, change.replace) for change in changes] == [("a", True)]
