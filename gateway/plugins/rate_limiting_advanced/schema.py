# SPDX-License-Identifier: Apache-2.0
"""The configuration of ``rate-limiting-advanced``, with the fields of Kong 3.15."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from gateway.entities.base import StrictModel, violation
from gateway.entities.redis_settings import RedisDeployment
from gateway.entities.types import HeaderName, Number, check_url_path, invalid

Identifier = Literal[
    "ip", "credential", "consumer", "service", "header", "path", "consumer-group", "route"
]
_NO_DATABASE = (
    "strategy cluster cannot be served: it keeps its counters in a database of the nodes, and "
    "data planes have none; use local or redis"
)
_USE_SCOPES = "cannot be served: limit a plugin to the consumer group instead"


def _positive(value: float) -> float:
    if value <= 0:
        raise invalid("value must be greater than 0")
    return value


Positive = Annotated[Number, AfterValidator(_positive)]


class Throttling(StrictModel):
    """Requests above the limit are held for a while instead of being refused at once."""

    enabled: bool = Field(default=False, description="Whether requests are held.")
    interval: Annotated[Number, Field(ge=1, le=1000000)] = Field(
        default=5, description="The seconds between two attempts of a held request."
    )
    queue_limit: Annotated[int, Field(ge=1, le=1000000)] = Field(
        default=5, description="The number of requests that a worker holds at most."
    )
    retry_times: Annotated[int, Field(ge=1, le=1000000)] = Field(
        default=3, description="How often a held request tries again before it is refused."
    )


class Config(StrictModel):
    """Let only so many requests of one origin pass in windows of time."""

    identifier: Identifier = Field(
        default="consumer",
        description="What is counted together. A request that has no such thing is counted with "
        "those of its client address.",
    )
    compound_identifier: Annotated[list[Identifier], Field(min_length=1)] | None = Field(
        default=None,
        description="Several things that are counted together; it wins over `identifier`.",
    )
    counter_key: Literal["consumer.id", "consumer.username", "consumer.custom_id"] | None = Field(
        default=None, description="What stands for a consumer in the counters; its id by default."
    )
    window_size: Annotated[list[Positive], Field(min_length=1)] = Field(
        description="The sizes of the windows, in seconds."
    )
    limit: Annotated[list[Positive], Field(min_length=1)] = Field(
        description="The number of requests that pass in each of the windows."
    )
    window_type: Literal["sliding", "fixed"] = Field(
        default="sliding",
        description="Whether the previous window counts as far as it still reaches, or each one "
        "begins anew.",
    )
    strategy: Literal["cluster", "redis", "local"] = Field(
        default="local",
        description="Where the counters are: in the memory of the node, shared by its workers "
        "(`local`), or in Redis for all nodes together. `cluster` needs a database and is refused.",
    )
    sync_rate: Number | None = Field(
        default=None,
        description="The seconds between two exchanges with Redis, at least 0.02; 0 counts each "
        "request there before it passes, -1 never. For `redis` it is 0 when it is not set.",
    )
    namespace: str | None = Field(
        default=None,
        description="The name of the counters: plugins of one namespace share them. It is the "
        "plugin's id when it is not set.",
    )
    dictionary_name: str = Field(
        default="kong_rate_limiting_counters",
        description="Without effect: the node has one memory for counters.",
    )
    lock_dictionary_name: str = Field(
        default="kong_locks", description="Without effect: counting needs no locks."
    )
    header_name: HeaderName | None = Field(
        default=None, description="The header whose values are counted apart, for `header`."
    )
    path: Annotated[str, AfterValidator(check_url_path)] | None = Field(
        default=None, description="The path whose requests are counted together, for `path`."
    )
    redis: RedisDeployment = Field(
        default_factory=RedisDeployment, description="The Redis that keeps the counters."
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
    retry_after_jitter_max: Number = Field(
        default=0,
        description="The most seconds that Retry-After is put off by chance, so that clients do "
        "not come back all at once.",
    )
    disable_penalty: bool = Field(
        default=False,
        description="Whether refused requests do not count; of sliding windows only. Otherwise a "
        "client that never slows down stays refused.",
    )
    enforce_consumer_groups: bool = Field(
        default=False, description="Not served: limit a plugin to the consumer group instead."
    )
    consumer_groups: list[str] | None = Field(
        default=None, description="Not served: limit a plugin to the consumer group instead."
    )
    throttling: Throttling | None = Field(
        default=None, description="Holds requests above the limit instead of refusing them."
    )

    @model_validator(mode="after")
    def _check(self) -> Config:
        wrong = self._not_served()
        if wrong:
            raise violation([], wrong)
        # Kong's own check ends at the first problem.
        for problem in self._problems():
            raise violation([problem])
        return self

    def _not_served(self) -> dict[str, str]:
        found = {}
        if self.strategy == "cluster":
            found["strategy"] = _NO_DATABASE
        if self.enforce_consumer_groups:
            found["enforce_consumer_groups"] = _USE_SCOPES
        return found

    def _problems(self) -> Iterator[str]:
        if len(self.limit) != len(self.window_size):
            yield "You must provide the same number of windows and limits"
        rate = -1 if self.sync_rate is None else self.sync_rate
        if self.strategy == "local" and rate > -1:
            yield "sync_rate cannot be configured when using a local strategy"
        if "header" in self.identifiers() and self.header_name is None:
            yield "No header name provided"
        if "path" in self.identifiers() and self.path is None:
            yield "No path provided"
        if self.retry_after_jitter_max < 0:
            yield "Non-negative retry_after_jitter_max value is expected"
        if rate < -1 or -1 < rate < 0:
            yield "Config option 'sync_rate' must be -1, 0 or at least 0.02"
        if 0 < rate < 0.02:
            yield "Config option 'sync_rate' must not be a decimal between 0 and 0.02"

    def identifiers(self) -> list[str]:
        """Return what is counted together."""
        return list(self.compound_identifier or [self.identifier])

    def windows(self) -> list[tuple[float, float]]:
        """Return size and limit of each window, the shortest first."""
        return sorted(zip(self.window_size, self.limit, strict=True))

    def exchanges(self) -> float | None:
        """Return the sync rate of the strategy `redis`; None where there is nothing to exchange."""
        if self.strategy != "redis" or self.sync_rate == -1:
            return None
        return self.sync_rate or 0
