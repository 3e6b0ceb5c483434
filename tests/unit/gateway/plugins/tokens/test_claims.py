# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.plugins.tokens.claims import Required, at, name_of, seconds, text, words

CLAIMS = {"a": {"b": {"c": 1}}, "d": "x", "e": None}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (["a", "b", "c"], 1),
        (["d"], "x"),
        (["d", "x"], None),
        (["a", "z", "c"], None),
        (["e"], None),
        ([], CLAIMS),
    ],
)
def test_a_path_leads_into_nested_objects(path: list[str], found: Any) -> None:
    assert at(CLAIMS, path) == found


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("a  b", ["a", "b"]),
        (["a b", 1, None, {}], ["a b", "1"]),
        (7, ["7"]),
        (True, ["true"]),
        ([False], ["false"]),
        (None, []),
        ({"a": 1}, []),
        ("", []),
    ],
)
def test_words_are_in_texts_and_lists(value: Any, found: list[str]) -> None:
    assert words(value) == found


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a", "a"),
        (7, "7"),
        (True, "true"),
        (["a", 1, False], "a,1,false"),
        ({"a": [1]}, '{"a":[1]}'),
        ([{"a": 1}], '[{"a":1}]'),
        (None, None),
        ("", ""),
    ],
)
def test_a_claim_has_a_text(value: Any, shown: str | None) -> None:
    assert text(value) == shown


@pytest.mark.parametrize(
    ("value", "name"), [("a", "a"), (7, "7"), ("", None), (True, None), ([], None), (1.5, None)]
)
def test_only_texts_and_whole_numbers_name_somebody(value: Any, name: str | None) -> None:
    assert name_of(value) == name


@pytest.mark.parametrize(
    ("value", "time"),
    [
        (1, 1),
        ("1.5", 1.5),
        ("x", None),
        ("nan", None),
        ("inf", None),
        (True, None),
        ([], None),
        (None, None),
    ],
)
def test_times_may_be_texts(value: Any, time: float | None) -> None:
    assert seconds(value) == time


@pytest.mark.parametrize(
    ("claim", "entries", "met"),
    [
        ("a b", None, True),
        ("a b", [], True),
        ("a b", ["a"], True),
        ("a b", ["c", "b a"], True),
        ("a", ["a b"], False),
        (["a b"], ["a b"], True),
        (["a", "b"], ["a b"], True),
        (None, ["a"], False),
        ("ab", ["a"], False),
        (None, [" "], False),
        ("a b", [" "], False),
    ],
)
def test_entries_are_alternatives_of_words_that_are_all_needed(
    claim: Any, entries: list[str] | None, met: bool
) -> None:
    assert Required(["x"], entries).is_met({"x": claim}) == met
