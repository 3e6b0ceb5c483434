# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.documents.yaml_text import load_yaml, write_yaml
from gateway.entities import validate_row
from gateway.errors import DocumentError

_LAUGHS = "\n".join(
    ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
)

_CHAIN = "\n".join(["a0: &a0 []"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 5000)])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: &a [*a]", "a value contains itself"),
        ("a: &a {b: {c: *a}}", "a value contains itself"),
        (_LAUGHS, "the document has more than 5000000 values"),
        (_CHAIN, "nested deeper than 100 levels, by its aliases"),
        ("[" * 100_000, "nested deeper than 100 levels"),
        ("a: " + "{b: " * 5000, "nested deeper than 100 levels"),
        ("a: 1\na: 2", 'line 2, column 1: the key "a" stands here twice'),
        ('{"a": 1,\n "a": 2}', 'line 2, column 2: the key "a" stands here twice'),
        ('{"a": ' + "[" * 100 + "]" * 100 + "}", "nested deeper than 100 levels"),
        ('{"a": 1 "b": 2}', "did not find expected ',' or '}'"),
        ("a: {b: 1, b: 2}", 'the key "b" stands here twice'),
        ("? [a]\n: b", "a key must be a text"),
        ("a: .inf", "a: inf is no value of JSON"),
        ("a: [.nan]", "a[0]: nan is no value of JSON"),
        ("a: !!binary aGk=", "a: bytes is no value of JSON"),
        ("a: !!set {b}", "a: set is no value of JSON"),
        ("a: !!python/object:os.system {}", "line 1"),
        ("a: !!timestamp not-a-date", "a value is not what its tag (!!…) says"),
        ("a: !!int x", "a value is not what its tag"),
        ("a: !!bool x", "a value is not what its tag"),
        ("a: \x00", "is not YAML"),
        ("a: *b", "line 1"),
        ("- a", "expected a map with services, routes, plugins"),
        ("a: [18446744073709551616]", "a[0]: a whole number of more than 64 bits"),
        ("a: -9223372036854775809", "a: a whole number of more than 64 bits"),
        ('{"a": 18446744073709551616}', "a: a whole number of more than 64 bits"),
        ("a: [", "line 2, column 1: did not find expected node content"),
    ],
)
def test_what_no_document_can_hold_is_said(text: str, said: str) -> None:
    with pytest.raises(DocumentError) as caught:
        load_yaml(text)
    assert said in str(caught.value)


def test_keys_are_texts_dates_too_and_aliases_are_copies() -> None:
    read = load_yaml("1: x\na: 2026-11-28\nb: &b {c: 1}\nd: *b\ne: {<<: *b, f: 2}\n")
    assert read == {
        "1": "x",
        "a": "2026-11-28",
        "b": {"c": 1},
        "d": {"c": 1},
        "e": {"c": 1, "f": 2},
    }
    assert read["b"] is not read["d"]
    assert load_yaml("") == {}


def test_json_is_read_as_what_it_is() -> None:
    assert load_yaml('{"a": [1e3, "\\ud83d\\ude00", "on"], "<<": {"b": null}}') == {
        "a": [1000.0, "😀", "on"],
        "<<": {"b": None},
    }
    most = {"a": 18446744073709551615, "b": -9223372036854775808}
    assert load_yaml('{"a": 18446744073709551615, "b": -9223372036854775808}') == most


@pytest.mark.parametrize(
    "key", ["on", "yes", "True", "null", "~", "1.0", "0x10", "1_000", ".inf", "="]
)
def test_a_key_is_the_text_that_was_written(key: str) -> None:
    assert load_yaml(f"{key}: 1\nb: {{{key}: 2}}") == {key: 1, "b": {key: 2}}
    assert load_yaml("yes: 1\ntrue: 2") == {"yes": 1, "true": 2}
    # What is merged has not been read where it stands, so deep.
    merged = load_yaml(f"a: {{b: {{c: &c {{{key}: 1}}}}}}\nd: {{<<: *c, {key}: 2}}\ne: {{<<: *c}}")
    assert merged == {"a": {"b": {"c": {key: 1}}}, "d": {key: 2}, "e": {key: 1}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e5", 1e5),
        ("1e+18", 1e18),
        ("1E-9", 1e-9),
        ("-2.5e3", -2500.0),
        ("+.5e1", 5.0),
        ("1.e2", 100.0),
    ],
)
def test_a_number_with_an_exponent_is_one(text: str, value: float) -> None:
    assert load_yaml(f"a: {text}\nb: '{text}'") == {"a": value, "b": text}
    assert load_yaml(write_yaml({"a": text, text: value})) == {"a": text, text: value}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("6e4", int),
        ("8.0", int),
        ("-0.0", int),
        ("-25e1", int),
        ("9007199254740991.0", int),
        ("9007199254740992.0", float),
        ("1e18", float),
        ("1.5", float),
        ("15e-1", float),
    ],
)
def test_a_whole_number_is_one_however_it_is_written(text: str, kind: type) -> None:
    value = load_yaml(f"a: {text}")["a"]
    assert (type(value), value) == (kind, float(text))


def test_fields_for_whole_numbers_take_them() -> None:
    row = load_yaml("a: {name: s, host: h.test, port: 8e1, connect_timeout: 6e4}")["a"]
    found = validate_row("services", {"id": str(uuid4()), **row})
    assert (found["port"], found["connect_timeout"]) == (80, 60000)


@pytest.mark.parametrize("text", ["12e4567", "1e", "e5", "1e5x", "1e+", "0x1e5g", "1e5.0"])
def test_what_only_looks_like_one_is_a_text(text: str) -> None:
    assert load_yaml(f"a: {text}") == {"a": text}


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), _VALUES, max_size=5))
def test_what_is_written_is_read_as_the_same(raw: dict[str, Any]) -> None:
    assert load_yaml(write_yaml(raw)) == raw


def test_texts_of_several_lines_are_read_by_people() -> None:
    assert write_yaml({"cert": "a\nb\n"}) == "cert: |\n  a\n  b\n"
