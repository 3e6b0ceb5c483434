# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.entities.problems import problems_of
from gateway.plugins.key_auth.schema import Config


def test_what_files_of_konnect_have_beside_is_accepted() -> None:
    realms = [{"scope": "cp", "id": None, "region": None}]
    given = {"identity_realms": realms, "principals": {"enabled": False, "directory": "default"}}
    assert Config.model_validate(given).key_names == ["apikey"]


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"identity_realms": [{"scope": "cp"}, {"scope": "realm"}]}, "realms of Konnect cannot"),
        ({"principals": {"enabled": True}}, "Kong Identity cannot be asked"),
        ({"key_names": []}, "key_names"),
        ({"key_names": ["a b"]}, "key_names"),
    ],
)
def test_what_cannot_be_done_is_refused(config: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Config.model_validate(config)
    assert problem in "\n".join(p.sentence("config") for p in problems_of(caught.value, Config))
