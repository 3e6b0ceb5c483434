# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from provider import registry


@pytest.mark.parametrize("token", sorted(registry.TYPES))
def test_every_type_is_there_under_its_token(token: str) -> None:
    assert registry.implementation(token).schema.token == token
