# SPDX-License-Identifier: Apache-2.0
"""Groups of consumers, for plugins that are limited to one; and who is in which."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.entities.base import Entity, EntityType, Hint
from gateway.entities.types import ForeignKey, Name


class ConsumerGroup(Entity):
    """A group of consumers that plugins can be limited to."""

    name: Annotated[Name, Hint(unique=True)] = Field(description="The group's unique name.")


class ConsumerGroupMember(Entity):
    """A consumer's place in a group."""

    consumer_group: Annotated[ForeignKey, Hint(reference="consumer_groups")] = Field(
        description="The group that the consumer is in."
    )
    consumer: Annotated[ForeignKey, Hint(reference="consumers")] = Field(
        description="The consumer that is in the group."
    )


CONSUMER_GROUPS = EntityType(
    "consumer_groups",
    "consumer_group",
    ConsumerGroup,
    endpoint_key="name",
    unique=(("name",),),
    key_field="name",
)
CONSUMER_GROUP_CONSUMERS = EntityType(
    "consumer_group_consumers",
    "consumer_group_consumer",
    ConsumerGroupMember,
    foreign={"consumer_group": "consumer_groups", "consumer": "consumers"},
    unique=(("consumer_group", "consumer"),),
    key_field="consumer_group",
    parents=("consumer",),
    cascade=frozenset({"consumer_group", "consumer"}),
)
