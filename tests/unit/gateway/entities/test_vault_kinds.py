# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.entities import validate_row
from gateway.entities.vault_kinds import VAULT_KINDS
from gateway.errors import SchemaViolation


@pytest.mark.parametrize(
    ("config", "fields"),
    [
        (None, {"token": "needed for the auth_method token"}),
        ({"auth_method": "kubernetes"}, {"kube_role": "needed for the auth_method kubernetes"}),
        ({"token": "t", "kv": "v3"}, {"kv": "expected one of: v1, v2"}),
        ({"token": "t", "adress": "x"}, {"adress": "unknown field"}),
        (
            {"auth_method": "approle", "approle_role_id": "r"},
            {"approle_secret_id": "needed for the auth_method approle"},
        ),
    ],
)
def test_what_is_wrong_with_a_vaults_settings_is_named(
    config: dict[str, str] | None, fields: dict[str, str]
) -> None:
    with pytest.raises(SchemaViolation) as caught:
        validate_row("vaults", {"prefix": "team", "name": "hcv", "config": config})
    assert caught.value.fields == {"config": fields}


def test_a_number_may_be_written_as_text_where_the_environment_says_it() -> None:
    config = VAULT_KINDS["hcv"].model_validate({"port": "8201", "token": "t"}, strict=False)
    assert config.model_dump()["port"] == 8201


def test_fields_of_a_newer_kong_are_taken_while_they_are_null() -> None:
    config = {"token": "t", "aws_auth_role": None, "oauth2_role_name": None}
    row = validate_row("vaults", {"prefix": "team", "name": "hcv", "config": config})
    assert "aws_auth_role" not in row["config"]
    with pytest.raises(SchemaViolation, match="aws_auth_role"):
        validate_row(
            "vaults",
            {"prefix": "team", "name": "hcv", "config": {"token": "t", "aws_auth_role": "r"}},
        )


@pytest.mark.parametrize("method", ["cert", "oauth2", "aws_iam"])
def test_a_method_that_is_not_served_names_those_that_are(method: str) -> None:
    with pytest.raises(SchemaViolation, match="expected one of: token, kubernetes, approle"):
        config = {"auth_method": method, "oauth2_role_name": "r"}
        validate_row("vaults", {"prefix": "team", "name": "hcv", "config": config})
