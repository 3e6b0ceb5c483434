# SPDX-License-Identifier: Apache-2.0
"""Limits by periods of one thing: the fields of several plugins' schemas."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from gateway.entities.base import StrictModel, at_least_one_of, violation
from gateway.entities.types import Number, invalid
from gateway.plugins.limiting.periods import PERIODS, order_problem


def _positive(value: float) -> float:
    if value <= 0:
        raise invalid("value must be greater than 0")
    return value


Limit = Annotated[Number, AfterValidator(_positive)]
"""How much may be used in a period."""

NO_DATABASE = (
    "policy cluster cannot be served: it keeps its counters in a database of the nodes, and data "
    "planes have none; use local or redis"
)


def limits_of(config: Any) -> dict[str, float]:
    """Return the limits that a model's fields set by period, the shortest first."""
    given = {period: getattr(config, period) for period in PERIODS}
    return {period: limit for period, limit in given.items() if limit is not None}


def _limit(period: str) -> Any:
    return Field(default=None, description=f"The units that may be used in a {period}.")


class UsageLimits(StrictModel):
    """How much of one thing may be used."""

    second: Limit | None = _limit("second")
    minute: Limit | None = _limit("minute")
    hour: Limit | None = _limit("hour")
    day: Limit | None = _limit("day")
    month: Limit | None = _limit("month")
    year: Limit | None = _limit("year")

    @model_validator(mode="after")
    def _check(self) -> UsageLimits:
        limits = self.limits()
        if not limits:
            raise violation([at_least_one_of(PERIODS)])
        if problem := order_problem(limits):
            raise invalid(f"the limit for {problem}")
        return self

    def limits(self) -> dict[str, float]:
        """Return the limits that are set by period, the shortest first."""
        return limits_of(self)
