# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from provider.values import (
    OUTPUT_SIGNATURE,
    SECRET_SIGNATURE,
    SIGNATURE_KEY,
    UNKNOWN,
    decode,
    encode,
    is_known,
    secret_texts,
)

_scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()
_values: st.SearchStrategy[Any] = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), _values, max_size=4))
def test_plain_values_survive_the_wire(properties: dict[str, Any]) -> None:
    assert decode(encode(properties)) == (properties, frozenset())


def test_whole_numbers_come_back_as_ints_and_others_as_floats() -> None:
    plain, _ = decode(encode({"a": 3, "b": [3.0], "c": 3.5}))
    assert plain == {"a": 3, "b": [3], "c": 3.5}
    assert isinstance(plain["a"], int)
    assert isinstance(plain["b"][0], int)


def test_secrets_are_unwrapped_and_wrapped_again_at_their_paths() -> None:
    struct = encode({"a": {"b": "hidden", "c": "open"}}, [("a", "b")])
    wrapped = struct.fields["a"].struct_value.fields["b"].struct_value.fields
    assert wrapped[SIGNATURE_KEY].string_value == SECRET_SIGNATURE
    assert wrapped["value"].string_value == "hidden"
    assert decode(struct) == ({"a": {"b": "hidden", "c": "open"}}, frozenset({("a", "b")}))


def test_a_star_wraps_every_entry_of_a_map() -> None:
    _, secrets = decode(encode({"files": {"a": "1", "b": "2"}, "x": "3"}, [("files", "*")]))
    assert secrets == {("files", "a"), ("files", "b")}


def test_a_secret_is_not_wrapped_twice() -> None:
    plain, secrets = decode(encode({"a": {"b": "x"}}, [("a",), ("a", "b")]))
    assert plain == {"a": {"b": "x"}}
    assert secrets == {("a",)}


@pytest.mark.parametrize(
    "sentinel", [UNKNOWN, "3eeb2bf0-c639-47a8-9e75-3b44932eb421"], ids=["string", "number"]
)
def test_unknown_values_of_each_kind_become_one_sentinel(sentinel: str) -> None:
    struct = struct_pb2.Struct()
    struct.fields["a"].string_value = sentinel
    plain, _ = decode(struct)
    assert plain == {"a": UNKNOWN}
    assert not is_known(plain)
    assert decode(encode(plain))[0] == plain


def test_an_output_value_without_a_value_is_unknown_and_may_be_secret() -> None:
    struct = struct_pb2.Struct()
    fields = struct.fields["a"].struct_value.fields
    fields[SIGNATURE_KEY].string_value = OUTPUT_SIGNATURE
    fields["secret"].bool_value = True
    assert decode(struct) == ({"a": UNKNOWN}, frozenset({("a",)}))


def test_secret_texts_are_collected_longest_first() -> None:
    properties = {"files": {"a": "short", "b": "a longer one"}, "open": "shown"}
    assert secret_texts(properties, [("files", "*")]) == ["a longer one", "short"]
