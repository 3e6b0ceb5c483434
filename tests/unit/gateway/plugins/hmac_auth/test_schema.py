# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.entities import validate_row
from gateway.errors import SchemaViolation
from gateway.settings.compatibility import version_of


def config(**given: Any) -> dict[str, Any]:
    row = validate_row("plugins", {"name": "hmac-auth", "config": given})
    return dict(row["config"])


def test_the_defaults_are_kongs_and_change_with_the_version() -> None:
    older = config()
    assert older["algorithms"] == ["hmac-sha1", "hmac-sha256", "hmac-sha384", "hmac-sha512"]
    assert (older["clock_skew"], older["hide_credentials"]) == (300, False)
    with version_of("3.14"):
        newer = config()
    assert newer["algorithms"][0] == "hmac-sha224"
    assert "hmac-sha1" not in newer["algorithms"]
    assert newer["hide_credentials"] is True


@pytest.mark.parametrize("given", [{"clock_skew": 0}, {"algorithms": ["hmac-md5"]}, {"more": 1}])
def test_what_it_does_not_know_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(SchemaViolation):
        config(**given)
