# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``kafka-quota``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from gateway.entities.base import StrictModel, at_least_one_of, failed_condition, violation
from gateway.entities.redis_settings import RedisSettings, host_missing
from gateway.plugins.limiting.usage_limits import UsageLimits


class Config(StrictModel):
    """Let only so many records and bytes of one origin into each topic in a time."""

    records: UsageLimits | None = Field(
        default=None, description="The records that are let into a topic."
    )
    bytes: UsageLimits | None = Field(
        default=None,
        description="The bytes of records' values, before compression, that are let into a topic.",
    )
    limit_by: Literal[
        "consumer", "credential", "ip", "service", "route", "header", "consumer-group"
    ] = Field(
        default="consumer",
        description="What is counted together. A request that has no such thing is counted with "
        "those of its client address.",
    )
    header_name: str | None = Field(
        default=None, description="The header whose values are counted apart, for `header`."
    )
    policy: Literal["local", "redis"] = Field(
        default="local",
        description="Where the counters are: in the memory of the node, shared by its workers "
        "(`local`), or in Redis for all nodes together.",
    )
    redis: RedisSettings = Field(
        default_factory=RedisSettings, description="The server that keeps the counters."
    )
    fault_tolerant: bool = Field(
        default=True,
        description="Whether records pass uncounted while Redis is unreachable; otherwise their "
        "requests get a 500.",
    )
    hide_client_headers: bool = Field(
        default=False,
        description="Whether responses do without the headers that tell the quota, Retry-After "
        "included.",
    )
    error_message: str = Field(default="Kafka quota exceeded", description="The text of a refusal.")

    @model_validator(mode="after")
    def _check(self) -> Config:
        if self.records is None and self.bytes is None:
            raise violation([at_least_one_of(("config.records", "config.bytes"))])
        if self.limit_by == "header" and self.header_name is None:
            missing = {"header_name": "required field missing"}
            raise violation([failed_condition("config.limit_by")], missing)
        if self.policy == "redis" and (missing := host_missing(self.redis)):
            raise violation([failed_condition("config.policy")], missing)
        return self

    def limits(self) -> dict[str, dict[str, float]]:
        """Return the limits by what they count, then by period."""
        given = {"records": self.records, "bytes": self.bytes}
        return {kind: limits.limits() for kind, limits in given.items() if limits is not None}
