# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.entities import validate_row
from gateway.errors import SchemaViolation


def test_a_consumer_has_a_username_or_a_custom_id() -> None:
    assert validate_row("consumers", {"custom_id": "7"})["username"] is None
    with pytest.raises(SchemaViolation) as caught:
        validate_row("consumers", {"tags": ["a"]})
    assert caught.value.fields == {
        "@entity": ["at least one of these fields must be non-empty: 'custom_id', 'username'"]
    }
