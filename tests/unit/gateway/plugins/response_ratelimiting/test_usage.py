# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.plugins.response_ratelimiting.usage import used

NAMES = ("video", "image")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([b"video=2, image=1"], {"video": 2, "image": 1}),
        ([b" video = 2 "], {"video": 2}),
        ([b"video=2", b"image=1"], {"video": 2, "image": 1}),
        ([b"other=1"], {}),
        ([b"video"], {}),
        ([b"video=1=2"], {}),
        ([b"video=-1, image=1.5"], {}),
        ([b"video=0x10"], {}),
        ([b"video=" + b"9" * 5000], {}),
        ([b""], {}),
    ],
)
def test_what_is_used_is_read(values: list[bytes], expected: dict[str, int]) -> None:
    assert used(values, NAMES) == expected


@settings(max_examples=50)
@given(st.lists(st.binary(max_size=40), max_size=4))
def test_nothing_else_gets_through(values: list[bytes]) -> None:
    found = used(values, NAMES)
    assert set(found) <= set(NAMES)
    assert all(0 <= amount < 10**9 for amount in found.values())
