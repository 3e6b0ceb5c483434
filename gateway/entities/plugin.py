# SPDX-License-Identifier: Apache-2.0
"""Plugins: what happens to a request on its way; the plugin's schema checks ``config``."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from gateway.entities.base import Entity, EntityType, Hint
from gateway.entities.condition import condition_problem
from gateway.entities.partial import PartialLink
from gateway.entities.types import (
    ForeignKey,
    Name,
    PluginProtocol,
    all_http_protocols,
    invalid,
)


def _check_condition(text: str) -> str:
    problem = condition_problem(text)
    if problem is not None:
        raise invalid(problem)
    return text


Condition = Annotated[str, AfterValidator(_check_condition)]
"""A condition that can be compiled."""


class Plugin(Entity):
    """One use of a plugin: for all requests, or those of a route, service, consumer or group."""

    name: str = Field(description="The name of the plugin, one of those that are installed.")
    instance_name: Annotated[Name, Hint(unique=True)] | None = Field(
        default=None, description="A unique name of its own for this use of the plugin."
    )
    route: Annotated[ForeignKey, Hint(reference="routes")] | None = Field(
        default=None, description="The route whose requests the plugin is limited to."
    )
    service: Annotated[ForeignKey, Hint(reference="services")] | None = Field(
        default=None, description="The service whose requests the plugin is limited to."
    )
    consumer: Annotated[ForeignKey, Hint(reference="consumers")] | None = Field(
        default=None, description="The consumer whose requests the plugin is limited to."
    )
    consumer_group: Annotated[ForeignKey, Hint(reference="consumer_groups")] | None = Field(
        default=None,
        description="The consumer group whose members' requests the plugin is limited to.",
    )
    config: dict[str, Any] = Field(
        default_factory=dict, description="The plugin's own settings, checked by its schema."
    )
    protocols: Annotated[list[PluginProtocol], Field(min_length=1), Hint(set=True)] = Field(
        default_factory=all_http_protocols,
        description="The protocols of requests that the plugin runs for.",
    )
    enabled: bool = Field(default=True, description="Whether the plugin runs.")
    condition: Condition | None = Field(
        default=None,
        description="An expression in CEL that says for each request whether the plugin runs; "
        "null: for all. See docs/decisions/conditions-of-plugins.md for the fields it may name.",
    )
    partials: list[PartialLink] | None = Field(
        default=None,
        description="The partials that stand for records of `config`: each with `id` or `name`, "
        "and `path`.",
    )


PLUGINS = EntityType(
    "plugins",
    "plugin",
    Plugin,
    endpoint_key="instance_name",
    foreign={
        "route": "routes",
        "service": "services",
        "consumer": "consumers",
        "consumer_group": "consumer_groups",
    },
    foreign_lists={"partials": "partials"},
    unique=(("instance_name",), ("name", "route", "service", "consumer", "consumer_group")),
    key_field="name",
    parents=("route", "service", "consumer", "consumer_group"),
    cascade=frozenset({"route", "service", "consumer", "consumer_group"}),
)
