# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``response-ratelimiting``, with the fields of Kong 3.15 (its schema.lua)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from gateway.entities.base import failed_condition, violation
from gateway.entities.redis_settings import host_missing
from gateway.entities.types import HeaderName, invalid
from gateway.names.header_texts import is_field_name
from gateway.plugins.limiting.usage_limits import NO_DATABASE, UsageLimits
from gateway.redis.flat import WithRedis


def _token(value: str) -> str:
    # RFC 9110 §5.6.2: it becomes part of header names.
    if not is_field_name(value):
        raise invalid("must be usable in the name of a header")
    return value


_Name = Annotated[str, AfterValidator(_token)]


class Config(WithRedis):
    """Let upstreams say how much a request has used, and limit that."""

    limits: Annotated[dict[_Name, UsageLimits], Field(min_length=1)] = Field(
        description="The limits by the names that upstreams call them."
    )
    header_name: HeaderName = Field(
        default="x-kong-limit",
        description="The header in which an upstream says what was used: `name=number, …`.",
    )
    limit_by: Literal["consumer", "credential", "ip"] = Field(
        default="consumer",
        description="What is counted together. A request that has no such thing is counted with "
        "those of its client address.",
    )
    policy: Literal["local", "cluster", "redis"] = Field(
        default="local",
        description="Where the counters are: in the memory of the node, shared by its workers "
        "(`local`), or in Redis for all nodes together. `cluster` needs a database and is refused.",
    )
    fault_tolerant: bool = Field(
        default=True,
        description="Whether requests pass uncounted while Redis is unreachable; otherwise they "
        "get a 500.",
    )
    block_on_first_violation: bool = Field(
        default=False,
        description="Whether a request is refused before the upstream once a limit is used up.",
    )
    hide_client_headers: bool = Field(
        default=False, description="Whether responses do without the headers that tell the limits."
    )

    @model_validator(mode="after")
    def _check(self) -> Config:
        if self.policy == "cluster":
            raise violation([], {"policy": NO_DATABASE})
        if self.policy == "redis" and (missing := host_missing(self.redis)):
            raise violation([failed_condition("config.policy")], missing)
        return self
