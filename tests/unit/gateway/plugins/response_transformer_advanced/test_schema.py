# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.errors import SchemaViolation
from tests.support.policies import checked

NAME = "response-transformer-advanced"


def test_the_defaults_are_kongs() -> None:
    found = checked(NAME)
    assert found["dots_in_keys"] is True
    assert found["allow"] == {"json": None}
    assert found["transform"] == {"functions": [], "json": [], "if_status": []}
    assert found["replace"]["body"] is None
    assert found["add"]["if_status"] == []


def test_a_function_that_is_no_lua_is_refused() -> None:
    with pytest.raises(SchemaViolation) as caught:
        checked(NAME, transform={"functions": ["return function(", "return 1"]})
    fields = caught.value.fields["config"]["transform"]["functions"]
    assert "near '<eof>'" in fields["1"]
    assert fields["2"] == "must return a function"


def test_a_status_that_is_none_is_refused() -> None:
    with pytest.raises(SchemaViolation):
        checked(NAME, add={"if_status": ["2xx"]})
