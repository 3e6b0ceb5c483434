# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``rate-limiting``, with the fields of Kong 3.15 (its schema.lua)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from gateway.entities.base import Conditions, at_least_one_of, failed_condition, violation
from gateway.entities.redis_settings import host_missing
from gateway.entities.types import HeaderName, Number, check_url_path, invalid
from gateway.plugins.limiting.periods import PERIODS, order_problem
from gateway.plugins.limiting.usage_limits import NO_DATABASE, Limit, limits_of
from gateway.redis.flat import WithRedis


def _limit(period: str) -> Any:
    return Field(default=None, description=f"The number of requests that pass in a {period}.")


class Config(WithRedis):
    """Let only so many requests of one origin pass in a time."""

    second: Limit | None = _limit("second")
    minute: Limit | None = _limit("minute")
    hour: Limit | None = _limit("hour")
    day: Limit | None = _limit("day")
    month: Limit | None = _limit("month")
    year: Limit | None = _limit("year")
    limit_by: Literal[
        "consumer", "credential", "ip", "service", "header", "path", "consumer-group"
    ] = Field(
        default="consumer",
        description="What is counted together. A request that has no such thing is counted with "
        "those of its client address.",
    )
    header_name: HeaderName | None = Field(
        default=None, description="The header whose values are counted apart, for `header`."
    )
    path: Annotated[str, AfterValidator(check_url_path)] | None = Field(
        default=None, description="The path whose requests are counted together, for `path`."
    )
    policy: Literal["local", "cluster", "redis"] = Field(
        default="local",
        description="Where the counters are: in the memory of the node, shared by its workers, "
        "so that each node counts by itself (`local`); or in Redis, for all nodes together. "
        "`cluster` needs a database and is refused.",
    )
    fault_tolerant: bool = Field(
        default=True,
        description="Whether requests pass uncounted, without headers, while Redis is unreachable; "
        "otherwise they get a 500.",
    )
    hide_client_headers: bool = Field(
        default=False,
        description="Whether responses do without the headers that tell the limits, Retry-After "
        "included.",
    )
    error_code: Annotated[int, Field(ge=400, le=599)] = Field(
        default=429, description="The status of a refusal."
    )
    error_message: str = Field(
        default="API rate limit exceeded", description="The message of a refusal."
    )
    sync_rate: Number = Field(
        default=-1,
        description="The seconds between two exchanges with Redis, at least 0.02; in between a "
        "worker counts by itself, so that more may pass. With -1 each request is counted in Redis "
        "before it passes.",
    )

    @classmethod
    def conditions(cls, data: Mapping[str, Any]) -> Conditions:
        """Return what is missing: a limit, or what is counted by."""
        checks: list[str] = []
        fields: dict[str, str] = {}
        if all(data.get(period) is None for period in PERIODS):
            checks.append(at_least_one_of(f"config.{period}" for period in PERIODS))
        for kind, field in (("header", "header_name"), ("path", "path")):
            if data.get("limit_by") == kind and data.get(field) is None:
                checks.append(failed_condition("config.limit_by"))
                fields[field] = "required field missing"
        return checks, fields

    @model_validator(mode="after")
    def _check(self) -> Config:
        self.check_conditions()
        if self.policy == "cluster":
            raise violation([], {"policy": NO_DATABASE})
        if self.policy == "redis" and (missing := host_missing(self.redis)):
            raise violation([failed_condition("config.policy")], missing)
        if problem := order_problem(self.limits()):
            raise invalid(f"The limit for {problem}")
        if self.sync_rate != -1 and self.policy != "redis":
            raise invalid("sync_rate can only be used with the redis policy")
        if self.sync_rate != -1 and self.sync_rate < 0.02:
            raise invalid("sync_rate must be greater than 0.02, or -1 to disable")
        return self

    def limits(self) -> dict[str, float]:
        """Return the limits that are set by period, the shortest first."""
        return limits_of(self)
