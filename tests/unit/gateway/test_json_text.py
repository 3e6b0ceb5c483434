# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.json_text import read_json


@given(st.integers(1, 1100), st.sampled_from([(b"[", b"]"), (b'{"a":', b"}"), (b'[{"":', b"}]")]))
def test_what_is_read_can_be_written(levels: int, signs: tuple[bytes, bytes]) -> None:
    text = signs[0] * levels + b"1" + signs[1] * levels
    try:
        value = read_json(text)
    except ValueError:
        assert levels > 100
    else:
        assert orjson.dumps(value) == text


def test_wide_is_not_deep() -> None:
    assert read_json(b"[" + b"{}," * 5000 + b"{}]") == [{}] * 5001


@pytest.mark.parametrize("text", [b"", b"{", b"nan", b'"\xff"', b'"\\ud800"'])
def test_what_is_no_json_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        read_json(text)
