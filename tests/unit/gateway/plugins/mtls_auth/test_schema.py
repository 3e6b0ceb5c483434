# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from gateway.entities import validate_row
from gateway.errors import SchemaViolation
from gateway.plugins.mtls_auth.schema import Config

CA = str(uuid4())


def config(**given: Any) -> dict[str, Any]:
    row = validate_row("plugins", {"name": "mtls-auth", "config": given})
    return dict(row["config"])


def test_the_defaults_are_kongs_but_for_revocation() -> None:
    found = config(ca_certificates=[CA])
    assert found["consumer_by"] == ["custom_id", "username"]
    assert found["cert_cache_ttl"] == 60000
    assert found["revocation_check_mode"] == "SKIP"
    assert config(ca_certificates=[CA], consumer_by=[])["consumer_by"] == []


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({}, "required field missing"),
        ({"ca_certificates": []}, "1"),
        ({"ca_certificates": ["x"]}, "UUID"),
        ({"revocation_check_mode": "STRICT"}, "set SKIP"),
        ({"san_dirname_matcher": ["x"]}, "leave it out"),
    ],
)
def test_what_cannot_be_done_is_refused(given: dict[str, Any], text: str) -> None:
    whole = given if not given or "ca_certificates" in given else {"ca_certificates": [CA], **given}
    with pytest.raises(SchemaViolation, match=text):
        config(**whole)


def test_kongs_soft_check_of_revocation_is_taken_and_said_to_be_none() -> None:
    given = {"ca_certificates": [CA], "revocation_check_mode": "IGNORE_CA_ERROR"}
    assert config(**given) == {**config(ca_certificates=[CA]), **given}
    (text,) = Config.model_validate(given).warnings()
    assert text.startswith("revocation_check_mode: ")
    assert "revoked ones pass" in text
    assert Config.model_validate({"ca_certificates": [CA]}).warnings() == []
