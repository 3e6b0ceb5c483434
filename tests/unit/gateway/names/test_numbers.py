# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st

from gateway.names.numbers import whole


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_is_equal_to_what_was_given_and_can_be_written(value: float) -> None:
    found = whole(value)
    assert found == value
    assert orjson.loads(orjson.dumps(found)) == value
    assert isinstance(found, int) == (value.is_integer() and abs(value) < 2**53)
