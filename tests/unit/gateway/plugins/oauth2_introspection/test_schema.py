# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.plugins.oauth2_introspection.schema import Config

NEEDED = {"introspection_url": "https://a.test/", "authorization_value": "Basic x"}


def test_defaults_are_those_of_kong() -> None:
    assert Config.model_validate(NEEDED).model_dump() == {
        **NEEDED,
        "token_type_hint": None,
        "ttl": 30,
        "timeout": 10000,
        "keepalive": 60000,
        "introspect_request": False,
        "hide_credentials": False,
        "run_on_preflight": True,
        "anonymous": "",
        "consumer_by": "username",
        "custom_introspection_headers": {},
        "custom_claims_forward": [],
    }


@pytest.mark.parametrize(
    "config",
    [
        {"introspection_url": None},
        {"authorization_value": None},
        {"introspection_url": "a"},
        {"ttl": -1},
        {"consumer_by": "custom_id"},
        {"custom_claims_forward": ["a b"]},
    ],
)
def test_what_cannot_be_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Config.model_validate({**NEEDED, **config})
