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
