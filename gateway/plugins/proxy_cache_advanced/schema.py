# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``proxy-cache-advanced``, with the fields of Kong 3.15's schema."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.entities.redis_settings import RedisDeployment
from gateway.plugins.proxy_cache.schema import CacheSettings


class Config(CacheSettings):
    """Keep the upstream's responses, for one node or for all, and give them again."""

    strategy: Literal["memory", "redis"] = Field(
        description="Where responses are kept: in the `memory` of the node, shared by its workers, "
        "or in `redis`, shared by all nodes that name it."
    )
    bypass_on_err: bool = Field(
        default=False,
        description="Whether the upstream responds while the store cannot be reached; otherwise "
        "such requests are refused with 502.",
    )
    redis: RedisDeployment = Field(
        default_factory=RedisDeployment, description="The Redis of the strategy `redis`."
    )
