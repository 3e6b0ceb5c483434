# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.entities.problems import problems_of
from gateway.plugins.jwt.schema import Config


def test_defaults_are_those_of_kong() -> None:
    assert Config().model_dump() == {
        "uri_param_names": ["jwt"],
        "cookie_names": [],
        "header_names": ["authorization"],
        "key_claim_name": "iss",
        "secret_is_base64": False,
        "claims_to_verify": None,
        "maximum_expiration": 0,
        "anonymous": None,
        "run_on_preflight": True,
        "realm": None,
    }


def test_null_is_the_default() -> None:
    assert Config.model_validate(dict.fromkeys(Config.model_fields)) == Config()


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"maximum_expiration": 300}, "expected to contain: exp"),
        ({"maximum_expiration": 300, "claims_to_verify": ["nbf"]}, "expected to contain: exp"),
        ({"maximum_expiration": -1, "claims_to_verify": ["exp"]}, "maximum_expiration"),
        ({"maximum_expiration": 31536001, "claims_to_verify": ["exp"]}, "maximum_expiration"),
        ({"claims_to_verify": ["iat"]}, "claims_to_verify"),
        ({"hide_credentials": True}, "hide_credentials"),
    ],
)
def test_what_cannot_be_is_refused(config: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Config.model_validate(config)
    assert problem in "\n".join(p.sentence("config") for p in problems_of(caught.value, Config))


@pytest.mark.parametrize("longest", [0, 1, 31536000, 0.5])
def test_a_longest_life_with_exp_is_accepted(longest: float) -> None:
    config = {"maximum_expiration": longest, "claims_to_verify": ["exp"]}
    assert Config.model_validate(config).maximum_expiration == longest
