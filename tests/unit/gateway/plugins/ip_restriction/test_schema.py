# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from gateway.entities import validate_row
from gateway.errors import SchemaViolation


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({}, "at least one of these fields must be non-empty"),
        ({"allow": [], "deny": []}, "at least one of these fields must be non-empty"),
        ({"allow": ["10.0.0.256"]}, "invalid ip or cidr range: '10.0.0.256'"),
        ({"deny": ["10.0.0.0/33"]}, "invalid ip or cidr range"),
        ({"deny": ["a.test"]}, "invalid ip or cidr range"),
        ({"deny": ["10.0.0.0/0.0.0.255"]}, "invalid ip or cidr range"),
        ({"deny": ["fe80::1%eth0"]}, "invalid ip or cidr range"),
        ({"deny": ["10.0.0.1"], "status": 200}, "400"),
    ],
)
def test_what_is_no_address_or_no_refusal_is_refused(config: dict[str, Any], text: str) -> None:
    with pytest.raises(SchemaViolation, match=text):
        validate_row("plugins", {"name": "ip-restriction", "config": config})


def test_it_can_be_limited_to_anything_and_to_streams() -> None:
    for scope in ("consumer", "consumer_group", "route", "service"):
        row = {"name": "ip-restriction", "config": {"deny": ["::1"]}, scope: {"id": str(uuid4())}}
        found = validate_row("plugins", row)
    assert {"tcp", "tls", "http"} < set(found["protocols"])
