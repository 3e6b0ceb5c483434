# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.entities import validate_row
from gateway.errors import SchemaViolation

UPSTREAM = "11111111-2222-3333-4444-555555555555"


def test_a_target_gets_the_default_port() -> None:
    for given, complete in (("10.0.0.1", "10.0.0.1:8000"), ("::1", "[::1]:8000")):
        row = validate_row("targets", {"target": given, "upstream": UPSTREAM})
        assert row["target"] == complete


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"name": "1.2.3.4"}, "name"),
        ({"name": "up", "hash_on": "header"}, "hash_on_header"),
        ({"name": "up", "hash_fallback": "ip"}, "hash_fallback"),
        ({"name": "up", "hash_on": "ip", "hash_fallback": "ip"}, "hash_fallback"),
        ({"name": "up", "slots": 9}, "slots"),
        ({"name": "up", "host_header": "a b"}, "host_header"),
    ],
)
def test_an_upstream_that_makes_no_sense_is_refused(data: dict[str, Any], field: str) -> None:
    with pytest.raises(SchemaViolation) as caught:
        validate_row("upstreams", data)
    assert field in caught.value.fields


def test_hashing_means_consistent_hashing() -> None:
    row = validate_row("upstreams", {"name": "up", "hash_on": "ip"})
    assert row["algorithm"] == "consistent-hashing"
