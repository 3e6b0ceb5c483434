# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.entities import validate_row
from gateway.errors import SchemaViolation


def test_health_check_numbers_stay_integers() -> None:
    active = {"timeout": 2, "healthy": {"interval": 5.0}}
    row = validate_row("upstreams", {"name": "up", "healthchecks": {"active": active}})
    checks = row["healthchecks"]["active"]
    assert isinstance(checks["timeout"], int)
    assert isinstance(checks["healthy"]["interval"], int)
    assert row["healthchecks"]["passive"]["unhealthy"]["http_statuses"] == [429, 500, 503]


@pytest.mark.parametrize("kind", ["grpc", "grpcs"])
def test_what_the_gateway_does_not_speak_is_refused_in_words(kind: str) -> None:
    with pytest.raises(SchemaViolation) as caught:
        validate_row("upstreams", {"name": "up", "healthchecks": {"active": {"type": kind}}})
    text = caught.value.fields["healthchecks"]["active"]["type"]
    assert text == (
        f"targets cannot be probed by {kind}: the gateway speaks HTTP/1.1 to them; "
        "use http, https or tcp"
    )
