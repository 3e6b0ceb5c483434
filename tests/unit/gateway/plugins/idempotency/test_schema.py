# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.plugins.idempotency.schema import Config


def test_a_configuration_may_be_empty() -> None:
    config = Config()
    assert (config.header_name, config.storage, config.window) == (
        "Idempotency-Key",
        "memory",
        86400,
    )
    assert not config.required


@pytest.mark.parametrize(
    "given",
    [
        {"header_name": "two words"},
        {"header_name": ""},
        {"window": 0},
        {"wait_timeout": -1},
        {"max_key_length": 0},
        {"storage": "disk"},
        {"storage": "redis"},
        {"unknown_outcome": "guess"},
    ],
)
def test_what_makes_no_sense_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Config(**given)
