# SPDX-License-Identifier: Apache-2.0
"""Query arguments as Kong decodes them."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.arguments import decode_bytes, first, parse


@pytest.mark.parametrize(
    ("encoded", "expected"),
    [
        (None, {}),
        (b"", {}),
        (b"a=1", {"a": "1"}),
        (b"a=", {"a": ""}),
        (b"a", {"a": True}),
        (b"a=1&a&a=", {"a": ["1", True, ""]}),
        (b"a=x+y%20z", {"a": "x y z"}),
        (b"%C3%A9=%c3%a9", {"é": "é"}),
        (b"a=%zz&b=%", {"a": "%zz", "b": "%"}),
        (b"a=1=2", {"a": "1=2"}),
        (b"&&a=1&", {"a": "1"}),
        (b"a=%ff", {"a": "\ufffd"}),
    ],
)
def test_arguments_are_decoded(encoded: bytes | None, expected: Any) -> None:
    assert parse(encoded) == expected


def test_what_comes_after_a_hundred_is_dropped() -> None:
    assert len(parse(b"&".join(b"a%d=1" % number for number in range(150)))) == 100


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"k=1&k=2", b"1"),
        (b"k&k=2", None),
        (b"k", None),
        (b"", None),
        (None, None),
        (b"a=1&%6B=x+y", b"x y"),
        (b"k=%ff", b"\xff"),
        (b"k=%fe%00", b"\xfe\0"),
        (b"k=", b""),
    ],
)
def test_the_first_value_counts_byte_by_byte(query: bytes | None, expected: bytes | None) -> None:
    assert first(query, b"k") == expected


@given(st.binary(min_size=1), st.binary(min_size=1))
def test_different_bytes_are_different_keys(one: bytes, other: bytes) -> None:
    found = [first(b"k=" + quote_from_bytes(key, safe="").encode(), b"k") for key in (one, other)]
    assert found == [one, other]


@given(st.lists(st.sampled_from([b"%41", b"%fF", b"=", b"a", b"\t", b"%", b"\r\n", b"%%", b" "])))
def test_long_parts_are_decoded_as_short_ones(pieces: list[bytes]) -> None:
    part = b"".join(pieces)
    padding = b"x" * 1001
    assert decode_bytes(padding + part + padding) == padding + unquote_to_bytes(part) + padding
