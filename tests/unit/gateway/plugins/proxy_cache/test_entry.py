# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.http.messages import Response
from gateway.plugins.proxy_cache.entry import CachedResponse, pack_names, unpack_names

# What a header may have: any bytes but line ends and NUL.
LINES = st.binary(max_size=20).map(lambda value: value.translate(None, b"\0\r\n"))


@settings(max_examples=50)
@given(
    st.integers(200, 900),
    st.lists(st.tuples(st.just(b"X-A"), LINES), max_size=3),
    st.binary(max_size=200),
)
def test_an_entry_comes_back_as_it_was(
    status: int, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    entry = CachedResponse.of(Response(status, headers), body, 1.5, 60, strict=True)
    assert CachedResponse.unpack(entry.pack()) == entry


WRONG = [
    None,
    "x",
    "1",
    True,
    [],
    {},
    {"a": "b"},
    [["a"]],
    [["a", 1]],
    [["a\r\nb", "c"]],
    [["a", "\n"]],
]


@pytest.mark.parametrize("place", range(1, 7))
@pytest.mark.parametrize("value", WRONG)
def test_an_entry_with_a_field_of_another_kind_is_none(place: int, value: Any) -> None:
    fields = [1, 200, [["X-A", "1"]], 1.5, 60, 0, False]
    fields[place] = value
    head = orjson.dumps(fields)
    entry = CachedResponse.unpack(len(head).to_bytes(4, "big") + head)
    # Whether it is strict is True or not; a response may have no headers.
    assert entry is None or place == 6 or (value == [] and place == 2)
    if entry is not None:
        assert entry.aged(2.0) == 0


@pytest.mark.parametrize("age", ["9" * 5000, "0" * 5000 + "7", "1" * 11])
def test_an_age_of_any_length_is_read(age: str) -> None:
    response = Response(200, [(b"Age", age.encode())])
    entry = CachedResponse.of(response, b"", 1.5, 60, strict=False)
    assert entry.age == (7 if age.endswith("7") else 2**31)


def test_an_entry_of_another_version_is_none() -> None:
    head = orjson.dumps([2, 200, []])
    assert CachedResponse.unpack(len(head).to_bytes(4, "big") + head) is None


@settings(max_examples=50)
@given(st.binary(max_size=60) | st.sampled_from([b"", b"\0\0\0\2[]", b"\0\0\0\4null", b"1"]))
def test_what_something_else_made_is_none(content: bytes) -> None:
    assert CachedResponse.unpack(content) is None
    assert unpack_names(b"x" + content) is None


@pytest.mark.parametrize("content", [b"", b"1", b"null", b"{}", b'"a"', b"\xff"])
def test_names_that_something_else_made_are_none(content: bytes) -> None:
    assert unpack_names(content) is None


def test_names_come_back() -> None:
    assert unpack_names(pack_names(["a", "b"])) == ["a", "b"]


def test_it_is_shown_as_json() -> None:
    shown = CachedResponse(200, [(b"X-A", b"1")], b"body", 1.0, 60).as_json()
    assert (shown["status"], shown["headers"], shown["body"]) == (200, {"X-A": "1"}, "body")
