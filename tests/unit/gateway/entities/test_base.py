# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.entities import validate_row
from gateway.errors import SchemaViolation


def _fields(service: dict[str, Any]) -> dict[str, Any]:
    with pytest.raises(SchemaViolation) as caught:
        validate_row("services", service)
    return caught.value.fields


def test_null_means_the_default_but_not_for_a_misspelt_field() -> None:
    assert validate_row("services", {"host": "a.test", "port": None})["port"] == 80
    assert _fields({"host": "a.test", "prot": None}) == {"prot": "unknown field"}
