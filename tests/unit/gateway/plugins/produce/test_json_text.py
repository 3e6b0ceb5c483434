# SPDX-License-Identifier: Apache-2.0
"""JSON texts are judged as the grammar says, and cut without a changed byte."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.plugins.produce.json_text import check, load, members, nesting, values

NUMBERS = st.sampled_from(["1e400", "-1E+400", "9" * 310, "-" + "9" * 5000, "1.10", "-0.0", "1E1"])
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"))
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)
SEPARATORS = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\t")])
PIECES = st.lists(
    st.sampled_from(
        ["[", "]", "{", "}", ",", ":", '"', "\\", "a", "u00e9", "\\ud83d", "0", "1", "-", ".", "e",
         "+", " ", "\n", "\t", "\x01", "true", "null", "nul", '""', '"a":', "é", "\x7f", "NaN"]
    ),
    max_size=12,
)  # fmt: skip


def is_json(text: bytes) -> bool:
    try:
        check(text, 1000)
        text.decode()
    except ValueError:
        return False
    return True


@given(PIECES)
@example(["[", "1", " ", "1", "]"])
def test_what_is_json_is_what_an_independent_parser_takes(pieces: list[str]) -> None:
    text = "".join(pieces).encode()
    try:
        orjson.loads(text)
        expected = True
    except orjson.JSONDecodeError:
        expected = False
    assert is_json(text) is expected


@given(NUMBERS)
def test_numbers_of_any_size_are_json(number: str) -> None:
    assert is_json(f"[{number}]".encode())


@pytest.mark.parametrize("number", ["01", "1.", ".5", "+1", "1e", "1e+", "-", "0x1", "Infinity"])
def test_what_is_no_number_is_refused(number: str) -> None:
    assert not is_json(f"[{number}]".encode())


@pytest.mark.parametrize("depth", [1, 2, 500, 900, 990, 999, 1000, 1001, 1024, 1025, 100_000])
@pytest.mark.parametrize("limit", [1, 250, 1000])
def test_one_depth_more_than_allowed_is_refused(depth: int, limit: int) -> None:
    for text in (b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth):
        before = sys.getrecursionlimit()
        if depth <= limit:
            check(text, limit)
        else:
            with pytest.raises(ValueError, match=f"nested deeper than {limit}"):
                check(text, limit)
        assert sys.getrecursionlimit() == before


def test_brackets_in_strings_and_beside_each_other_are_no_depth() -> None:
    check(json.dumps(["[" * 3000, '\\"[{' * 3000]).encode(), 2)
    check(b"[" + b"[]," * 3000 + b"{}]", 2)


@pytest.mark.parametrize(
    "text", [b"[" * 100_000, b'"' + b"[" * 3000, b'["a' + b"\\" * 2001 + b'"]']
)
def test_deep_text_that_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        check(text, 1000)


@given(VALUES)
def test_nesting_is_counted_as_values_are_nested(value: Any) -> None:
    def depth(inside: Any) -> int:
        if not isinstance(inside, list | dict):
            return 0
        members = inside.values() if isinstance(inside, dict) else inside
        return 1 + max(map(depth, members), default=0)

    assert nesting(json.dumps(value).encode(), 1000) == depth(value)


@given(st.lists(VALUES, max_size=5), SEPARATORS)
def test_an_array_is_cut_between_its_elements(found: list[Any], how: tuple[str, str]) -> None:
    body = json.dumps(found, separators=how).encode()
    assert list(values(body, 1000)) == [json.dumps(x, separators=how).encode() for x in found]


@given(st.lists(NUMBERS | st.just('"a,]"'), min_size=1))
def test_elements_keep_every_byte(texts: list[str]) -> None:
    body = ("\r\n[ \t" + " , ".join(texts) + " ]\n").encode()
    assert list(values(body, 1000)) == [text.encode() for text in texts]


@pytest.mark.parametrize("depth", [250, 990, 1000])
def test_deep_elements_are_cut(depth: int) -> None:
    inner = b"[" * (depth - 1) + b"]" * (depth - 1)
    assert list(values(b"[1," + inner + b",2]", depth)) == [b"1", inner, b"2"]


@pytest.mark.parametrize("body", [b"", b"{}", b"[1", b"[1,]", b"[1] 2", b"1", b'"[]"', b"[1 2]"])
def test_what_is_no_array_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        list(values(body, 1000))


def test_values_are_those_of_the_text_whatever_their_size() -> None:
    deep = b"[" * 1000 + b"1e400" + b"]" * 1000
    assert load(b'{"a": [1, 2.5, "x"]}') == {"a": [1, 2.5, "x"]}
    assert load(b"9" * 310) == int("9" * 310)
    assert load(b"[1e400, -1e400, 1e99]") == [Decimal("1e400"), Decimal("-1e400"), 1e99]
    assert load(b"9" * 5000) == Decimal("9" * 5000)
    assert load(b"[1e99999999999999999999]") == [float("inf")]
    found, depth = load(deep), 0
    while isinstance(found, list):
        (found,), depth = found, depth + 1
    assert (found, depth) == (Decimal("1e400"), 1000)


@given(VALUES, SEPARATORS, st.integers(0, 9))
@example(['"', "\\\\", ",[", {"a": ["]"]}, [[]], {}], (" ,\n", " :\t"), 0)
def test_members_are_counted_without_making_them(
    value: Any, how: tuple[str, str], enough: int
) -> None:
    def count(inside: Any) -> int:
        if not isinstance(inside, list | dict):
            return 0
        held = list(inside.values()) if isinstance(inside, dict) else inside
        return len(held) + sum(map(count, held))

    text = json.dumps(value, separators=how).encode()
    assert members(text, 0) == count(value)
    assert (members(text, enough) > enough) == (count(value) > enough)
