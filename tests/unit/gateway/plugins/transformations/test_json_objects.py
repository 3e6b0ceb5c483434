# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import BodyUnreadable
from gateway.plugins.transformations.json_objects import (
    DEEPEST,
    Element,
    JsonObject,
    appended,
    path_of,
    typed,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


def edited(text: bytes, name: str, value: bytes | None, *, nested: bool = True) -> bytes:
    found = JsonObject(text)
    found.edit(path_of(name, nested=nested), lambda _: value)
    return found.encode()


def test_paths() -> None:
    assert path_of("a.b[*].c[2]", nested=True) == ("a", "b", Element(0), "c", Element(2))
    assert path_of("a.b[*]", nested=False) == ("a.b[*]",)
    assert path_of("a[x]", nested=True) == ("a[x]",)
    assert path_of("[2].a", nested=True) == (Element(2), "a")


def test_what_is_no_path_to_a_value_leads_to_no_other() -> None:
    text = b'{"a":[1,2],"b":{"c":3}}'
    for name in ("a[0]", "a[00]", "a.", ".a", "b..c", "b.c.", "..", "", "[0]"):
        assert edited(text, name, None) == text, name


@pytest.mark.parametrize(
    ("text", "name", "value", "expected"),
    [
        (b'{"a":1,"b":2}', "a", None, b'{"b":2}'),
        (b'{"a":{"b":1,"c":2}}', "a.b", None, b'{"a":{"c":2}}'),
        (b'{"a":[{"b":1},{"b":2,"c":3}]}', "a[*].b", None, b'{"a":[{},{"c":3}]}'),
        (b'{"a":[1,2,3]}', "a[2]", None, b'{"a":[1,3]}'),
        (b'{"a":[1,2,3]}', "a[9]", None, b'{"a":[1,2,3]}'),
        (b'{"a":1}', "b.c", b"2", b'{"a":1,"b":{"c":2}}'),
        (b'{"a":1}', "a.c", b"2", b'{"a":1}'),
        (b'{"a":1}', "b.c", None, b'{"a":1}'),
        (b"{}", "a[1]", b"2", b"{}"),
    ],
)
def test_edits(text: bytes, name: str, value: bytes | None, expected: bytes) -> None:
    assert edited(text, name, value) == expected


def test_what_is_not_named_stays_as_it_was_written() -> None:
    text = b'{"n": 12345678901234567890.10, "e": 1E2, "a": [ 1 , 2 ], "x": 1}'
    expected = b'{"n":12345678901234567890.10,"e":1E2,"a":[ 1 , 2 ]}'
    assert edited(text, "x", None) == expected


@pytest.mark.parametrize(
    "text",
    [
        b"", b"[]", b"1", b"null", b"{", b'{"a":}', b'{"a":1}x', b'{"a":"\xff"}', b"{'a':1}",
        b'{"a":' + b"[" * (DEEPEST + 1) + b"]" * (DEEPEST + 1) + b"}",
        b'{"a":' + b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_object_is_refused(text: bytes) -> None:
    with pytest.raises(BodyUnreadable):
        JsonObject(text)


def test_what_is_nested_as_deeply_as_allowed_is_changed() -> None:
    text = b'{"a":' + b"[" * (DEEPEST - 1) + b"]" * (DEEPEST - 1) + b"}"
    assert edited(text, "b", b"1").endswith(b',"b":1}')


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, b'["n"]'),
        (b'"s"', b'["s","n"]'),
        (b"[]", b'["n"]'),
        (b"[ ]", b'["n"]'),
        (b"[1]", b'[1,"n"]'),
        (b"1", b'["n"]'),
        (b"null", b'["n"]'),
        (b'{"a":1}', b'[{"a":1},"n"]'),
    ],
)
def test_appending(before: bytes | None, after: bytes) -> None:
    assert appended(before, b'"n"') == after


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ("1", None, b'"1"'),
        ("1", "string", b'"1"'),
        ("1", "number", b"1"),
        ("1.50", "number", b"1.50"),
        ("0x10", "number", None),
        ("x", "number", None),
        ("nan", "number", None),
        ("1e999", "number", b"1e999"),
        ("true", "boolean", b"true"),
        ("yes", "boolean", b"false"),
        ('say "hi"', None, b'"say \\"hi\\""'),
    ],
)
def test_types(value: str, kind: str | None, text: bytes | None) -> None:
    assert typed(value, kind) == text


@settings(max_examples=50)
@given(st.dictionaries(st.text(max_size=4), JSON, max_size=5), st.text(max_size=4), JSON)
def test_an_edit_sets_one_member_and_no_other(
    before: dict[str, Any], name: str, value: Any
) -> None:
    found = orjson.loads(edited(orjson.dumps(before), name, orjson.dumps(value), nested=False))
    assert found == {**before, name: value}


def test_a_text_in_which_nothing_changes_stays_as_it_was_written() -> None:
    text = b' { "a" : 1 , "b" : {"c":2} } '
    assert edited(text, "x", None) == text
    assert edited(text, "b.x", None) == text
