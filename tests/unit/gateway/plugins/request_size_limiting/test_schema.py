# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.plugins.request_size_limiting.schema import Config


@pytest.mark.parametrize(
    ("config", "most"),
    [
        ({}, 128 << 20),
        ({"allowed_payload_size": 1, "size_unit": "kilobytes"}, 1024),
        ({"allowed_payload_size": 9, "size_unit": "bytes"}, 9),
    ],
)
def test_a_size_has_a_unit(config: dict[str, Any], most: int) -> None:
    assert Config.model_validate(config).most() == most
