# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.documents.json_text import load_json

_TEXTS = st.text('":,{}[]\\ \nab\u2028é€😀', max_size=8)
_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: abs(x) < 1e15)
    | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=12,
)
_MAPS = st.dictionaries(_TEXTS, _VALUES, max_size=4)


def _load(text: str) -> dict[str, Any] | None:
    return load_json(text, 100, 1000)


@given(_MAPS, st.sampled_from([None, 1]), st.booleans())
def test_what_is_read_is_what_the_text_says(
    value: dict[str, Any], indent: int | None, is_ascii: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=is_ascii)
    assert _load(text) in (value, None)


_PLAIN = st.sampled_from(["", "a", "b c", "http://h:80/", "a: b", 'said "a"', "~/a{2}", "é\n"])


@given(st.dictionaries(_PLAIN, st.integers(0, 9) | st.lists(_PLAIN, max_size=2), max_size=4))
def test_json_is_read_at_once(value: dict[str, Any]) -> None:
    assert _load(json.dumps(value)) == value
    assert _load("\r\n\t " + json.dumps(value, indent=2, separators=(" ,", " : "))) == value


def _with_twins(pairs: list[tuple[str, Any]]) -> str:
    inner = ", ".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in pairs)
    return f'{{"a": [{{{inner}}}]}}'


@given(st.lists(st.tuples(st.text('":\\ ab', max_size=2), _VALUES), max_size=5))
def test_no_key_that_stands_twice_is_read_over(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        assert _load(_with_twins(pairs)) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '"a: b"',
        "a: 1",
        "{a: 1}",
        "{'a': 1}",
        '{"a": 1,}',
        '{"a": NaN}',
        '{"a": 010}',
        '{"a": 1} # why',
        '{"a": 1}\n---\n{"a": 2}',
        '{"a": 1, "a": 2}',
        '{"a": 1, "\\u0061": 2}',
        '{"b": {"a": [1], "a" \n: 2}}',
        '{"a": "\\ud83d"}',
        '{"a": 18446744073709551616}',
        '{"a": -9223372036854775809}',
    ],
)
def test_anything_else_is_left_to_the_other_reader(text: str) -> None:
    assert _load(text) is None


def test_no_more_levels_and_values_than_are_allowed() -> None:
    # The map, a list, a list: three levels; and five values with those.
    text = '{"a": [[1, 2]]}'
    assert load_json(text, 3, 5) == {"a": [[1, 2]]}
    assert load_json(text, 2, 5) is None
    assert load_json(text, 3, 4) is None
