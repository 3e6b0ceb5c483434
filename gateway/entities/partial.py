# SPDX-License-Identifier: Apache-2.0
"""Partials: settings that several plugins share, as Kong has them since 3.10 (its page "Partial").

A plugin is linked to a partial, which then stands for one record of the plugin's ``config``. Which
records may be linked follows from the plugins' schemas: those that are of a partial's own model.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Field

from gateway.entities.base import Entity, EntityType, Hint, StrictModel
from gateway.entities.redis_settings import RedisDeployment, RedisSettings
from gateway.entities.types import Name, Uuid

PARTIAL_KINDS: dict[str, type[StrictModel]] = {
    "redis-ce": RedisSettings,
    "redis-ee": RedisDeployment,
}
"""The kinds of partials, with the record of plugins that each stands for."""


class Partial(Entity):
    """Settings that plugins are linked to instead of having them themselves."""

    name: Annotated[Name, Hint(unique=True)] | None = Field(
        default=None, description="The partial's unique name."
    )
    type: Literal["redis-ce", "redis-ee"] = Field(
        description="The kind of settings: `redis-ce` for one Redis server, `redis-ee` also for "
        "Sentinels and a Redis Cluster."
    )
    config: dict[str, Any] = Field(
        default_factory=dict, description="The settings, those of the partial's kind."
    )


class PartialLink(StrictModel):
    """What of a plugin is a partial's."""

    id: Uuid | None = Field(default=None, description="The partial's id.")
    name: Name | None = Field(
        default=None, description="The partial's name, which may stand instead of its id."
    )
    path: str | None = Field(
        default=None,
        description="The record that the partial stands for, such as `config.redis`; it may be "
        "left out where the plugin has only one.",
    )


PARTIALS = EntityType(
    "partials", "partial", Partial, endpoint_key="name", unique=(("name",),), key_field="name"
)


@cache
def linkable(schema: type[BaseModel]) -> dict[str, str]:
    """Return which records of a plugin's settings partials may stand for: path to kind."""
    return dict(_linkable(schema, "config"))


def _linkable(model: type[BaseModel], path: str) -> Iterator[tuple[str, str]]:
    for name, info in model.model_fields.items():
        record = _record_of(info.annotation)
        if record is None:
            continue
        kind = next((kind for kind, of in PARTIAL_KINDS.items() if of is record), None)
        if kind is None:
            yield from _linkable(record, f"{path}.{name}")
        else:
            yield f"{path}.{name}", kind


def _record_of(annotation: Any) -> type[BaseModel] | None:
    """Return the model of a field that holds one record, or null."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        left = [one for one in get_args(annotation) if one is not type(None)]
        return _record_of(left[0]) if len(left) == 1 else None
    is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return annotation if is_model else None
