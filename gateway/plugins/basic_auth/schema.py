# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``basic-auth``, with the fields of Kong 3.10 and those that came later."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from gateway.entities.base import StrictModel, violation
from gateway.entities.redis_settings import RedisSettings, host_missing
from gateway.entities.versions import by_version
from gateway.plugins.key_auth.schema import Principals


class BruteForceProtection(StrictModel):
    """How guessing passwords is slowed down."""

    strategy: Literal["off", "cluster", "memory", "redis"] = Field(
        default="off",
        description="Where failures are counted: by all workers of the node (`memory`), in Redis "
        "by all nodes (`redis`), or nowhere. `cluster` needs a database and is refused.",
    )
    redis: RedisSettings = Field(
        default_factory=RedisSettings,
        description="Redis, for `redis`. Each node counts by itself while it is unreachable.",
    )

    @model_validator(mode="after")
    def _check(self) -> BruteForceProtection:
        if self.strategy == "cluster":
            text = "data planes have no database to count failures in; use memory or redis"
            raise violation([], {"strategy": text})
        if self.strategy == "redis" and (missing := host_missing(self.redis)):
            raise violation([], missing)
        return self


class Config(StrictModel):
    """Ask each request for a consumer's user name and password (RFC 7617)."""

    hide_credentials: bool = by_version(
        False,
        True,
        description="Whether the header with the password is taken out of the request, so that "
        "neither the upstream nor a record gets it.",
    )
    anonymous: str | None = Field(
        default=None,
        description="The id or user name of the consumer as whom requests without a valid "
        "password pass; without it they are refused.",
    )
    realm: str = Field(
        default="service",
        description="The realm named in the header WWW-Authenticate of a refusal.",
    )
    brute_force_protection: BruteForceProtection = Field(
        default_factory=BruteForceProtection,
        description="How guessing passwords is slowed down.",
    )
    principals: Principals | None = Field(
        default=None, description="Kong Identity in place of consumers; it must be off."
    )
