# SPDX-License-Identifier: Apache-2.0
"""Consumers: the callers that the gateway knows."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from gateway.entities.base import Entity, EntityType, Hint, violation
from gateway.entities.types import NonEmpty


class Consumer(Entity):
    """A person or program that uses the gateway, known by its credentials."""

    username: Annotated[NonEmpty, Hint(unique=True)] | None = Field(
        default=None, description="The consumer's unique name."
    )
    custom_id: Annotated[NonEmpty, Hint(unique=True)] | None = Field(
        default=None, description="The consumer's unique id in another system."
    )

    @model_validator(mode="after")
    def _check_name(self) -> Consumer:
        if self.username is None and self.custom_id is None:
            raise violation(
                ["at least one of these fields must be non-empty: 'custom_id', 'username'"]
            )
        return self


CONSUMERS = EntityType(
    "consumers",
    "consumer",
    Consumer,
    endpoint_key="username",
    unique=(("username",), ("custom_id",)),
    key_field="username",
)
