# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.plugins.proxy_cache_advanced.schema import Config


def test_defaults_are_kongs() -> None:
    config = Config(strategy="redis")
    assert config.bypass_on_err is False
    assert (config.redis.host, config.redis.port) == ("127.0.0.1", 6379)
    assert config.cache_ttl == 300


@pytest.mark.parametrize("given", [{}, {"strategy": "disk"}, {"strategy": "memory", "x": 1}])
def test_what_kong_refuses_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Config(**given)
