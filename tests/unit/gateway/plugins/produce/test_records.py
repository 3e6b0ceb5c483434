# SPDX-License-Identifier: Apache-2.0
"""Cutting one request into records."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import RequestRejected
from gateway.plugins.produce.records import split_array, split_lines

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
SEPARATORS = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\t")])


@settings(max_examples=50, deadline=None)
@given(st.lists(VALUES, max_size=5), SEPARATORS)
def test_an_array_is_cut_between_its_elements(values: list[Any], how: tuple[str, str]) -> None:
    body = json.dumps(values, separators=how).encode()
    texts = list(split_array(body, 1000))
    assert texts == [json.dumps(value, separators=how).encode() for value in values]


@settings(max_examples=50, deadline=None)
@given(st.lists(VALUES, max_size=5))
def test_lines_are_cut_at_line_ends(values: list[Any]) -> None:
    texts = [json.dumps(value).encode() for value in values]
    assert list(split_lines(b"\r\n".join(texts), 1000)) == texts


def test_a_wrong_line_is_named() -> None:
    with pytest.raises(RequestRejected, match="line 3"):
        list(split_lines(b"1\n\n{\n", 1000))


@pytest.mark.parametrize("body", [b"", b"{}", b"[1", b"[1,]", b"[1] 2"])
def test_what_is_no_array_is_refused(body: bytes) -> None:
    with pytest.raises(RequestRejected):
        list(split_array(body, 1000))
