# SPDX-License-Identifier: Apache-2.0
"""Consumers: the callers that the gateway knows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, model_validator

from gateway.entities.base import Conditions, Entity, EntityType, Hint, at_least_one_of


class Consumer(Entity):
    """A person or program that uses the gateway, known by its credentials."""

    username: Annotated[str, Hint(unique=True)] | None = Field(
        default=None, description="The consumer's unique name."
    )
    custom_id: Annotated[str, Hint(unique=True)] | None = Field(
        default=None, description="The consumer's unique id in another system."
    )

    @classmethod
    def conditions(cls, data: Mapping[str, Any]) -> Conditions:
        """Return what is wrong when the consumer has neither name."""
        if data.get("username") or data.get("custom_id"):
            return [], {}
        return [at_least_one_of(("custom_id", "username"))], {}

    @model_validator(mode="after")
    def _check_name(self) -> Consumer:
        self.check_conditions()
        return self


CONSUMERS = EntityType(
    "consumers",
    "consumer",
    Consumer,
    endpoint_key="username",
    unique=(("username",), ("custom_id",)),
    key_field="username",
)
