# SPDX-License-Identifier: Apache-2.0
"""JSON values that no double holds keep their text on the way to Lua."""

from __future__ import annotations

import pytest

from gateway.plugins.lua.values import Exact, load


@pytest.mark.parametrize("number", ["1e400", "-2.50E+999"])
def test_a_number_that_no_double_holds_is_its_text(number: str) -> None:
    found = load(b"[%b]" % number.encode())
    assert found == [number]
    assert type(found[0]) is Exact


def test_other_values_are_themselves() -> None:
    assert load(b'{"a": [1, 2.5, null, true, "x"]}') == {"a": [1, 2.5, None, True, "x"]}
