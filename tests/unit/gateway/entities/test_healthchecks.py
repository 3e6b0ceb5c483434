# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from gateway.entities import validate_row


def test_health_check_numbers_stay_integers() -> None:
    active = {"timeout": 2, "healthy": {"interval": 5.0}}
    row = validate_row("upstreams", {"name": "up", "healthchecks": {"active": active}})
    checks = row["healthchecks"]["active"]
    assert isinstance(checks["timeout"], int)
    assert isinstance(checks["healthy"]["interval"], int)
    assert row["healthchecks"]["passive"]["unhealthy"]["http_statuses"] == [429, 500, 503]
