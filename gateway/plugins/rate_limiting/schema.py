# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``rate-limiting``, with the fields of Kong 3.10 (its schema.lua)."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from gateway.entities.base import StrictModel, violation
from gateway.entities.types import NonEmpty
from gateway.plugins.produce.registry.settings import Secret

PERIODS = ("second", "minute", "hour", "day", "month", "year")

_Limit = Annotated[int, Field(gt=0)]


def _limit(period: str) -> Any:
    return Field(default=None, description=f"The number of requests that pass in a {period}.")


class Redis(StrictModel):
    """Accepted, since files that were written for Kong have it also where counters are local."""

    host: str | None = Field(default=None, description="The server's host.")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(
        default=6379, description="The server's port."
    )
    timeout: int = Field(default=2000, description="Milliseconds to wait for the server.")
    database: int = Field(default=0, description="The number of the database.")
    username: Secret | None = Field(default=None, description="The user name shown to the server.")
    password: Secret | None = Field(default=None, description="The password shown to the server.")
    ssl: bool = Field(default=False, description="Whether TLS is used.")
    ssl_verify: bool = Field(default=False, description="Whether the certificate is verified.")
    server_name: str | None = Field(default=None, description="The name in the certificate.")


class Config(StrictModel):
    """Let only so many requests of one origin pass in a time."""

    second: _Limit | None = _limit("second")
    minute: _Limit | None = _limit("minute")
    hour: _Limit | None = _limit("hour")
    day: _Limit | None = _limit("day")
    month: _Limit | None = _limit("month")
    year: _Limit | None = _limit("year")
    limit_by: Literal["consumer", "credential", "ip", "service", "header", "path"] = Field(
        default="consumer",
        description="What is counted together. A request that has no such thing is counted with "
        "those of its client address.",
    )
    header_name: NonEmpty | None = Field(
        default=None, description="The header whose values are counted apart, for `header`."
    )
    path: NonEmpty | None = Field(
        default=None, description="The path whose requests are counted together, for `path`."
    )
    policy: Literal["local"] = Field(
        default="local",
        description="Where the counters are: in the memory of the node, shared by its workers. "
        "Each node counts by itself.",
    )
    redis: Redis | None = Field(
        default=None, description="Without effect: no policy keeps its counters in Redis."
    )
    fault_tolerant: bool = Field(
        default=True, description="Without effect: counters in memory do not fail."
    )
    sync_rate: Annotated[float, Field(ge=-1)] = Field(
        default=-1, description="Without effect: counters in memory are not synchronised."
    )
    hide_client_headers: bool = Field(
        default=False, description="Whether responses do without the headers that tell the limits."
    )
    error_code: Annotated[int, Field(ge=400, le=599)] = Field(
        default=429, description="The status of a refusal."
    )
    error_message: str = Field(
        default="API rate limit exceeded", description="The message of a refusal."
    )

    @model_validator(mode="after")
    def _check(self) -> Config:
        limits = self.limits()
        if not limits:
            named = ", ".join(f"'config.{period}'" for period in PERIODS)
            raise violation([f"at least one of these fields must be non-empty: {named}"])
        for (short, low), (long, high) in pairwise(limits.items()):
            if high < low:
                text = f"The limit for {long}({high}) cannot be lower than the limit for "
                raise violation([f"{text}{short}({low})"])
        for kind, field in (("header", "header_name"), ("path", "path")):
            if self.limit_by == kind and getattr(self, field) is None:
                raise violation([], {field: "required field missing"})
        return self

    def limits(self) -> dict[str, int]:
        """Return the limits that are set by period, the shortest first."""
        given = {period: getattr(self, period) for period in PERIODS}
        return {period: limit for period, limit in given.items() if limit is not None}
