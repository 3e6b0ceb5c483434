# SPDX-License-Identifier: Apache-2.0
"""The entities of a configuration: one pydantic model each, which alone decides its shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.entities.base import EntityType
from gateway.entities.certificate import CA_CERTIFICATES, CERTIFICATES, SNIS
from gateway.entities.consumer import CONSUMERS
from gateway.entities.consumer_group import CONSUMER_GROUP_CONSUMERS, CONSUMER_GROUPS
from gateway.entities.credentials import CREDENTIALS
from gateway.entities.partial import PARTIALS
from gateway.entities.plugin import PLUGINS
from gateway.entities.route import ROUTES
from gateway.entities.service import SERVICES
from gateway.entities.upstream import TARGETS, UPSTREAMS
from gateway.entities.validation import Row, validate
from gateway.entities.vault import KEY_SETS, KEYS, VAULTS
from gateway.errors import NotFound
from gateway.names.spelling import choices

ENTITIES: dict[str, EntityType] = {
    entity.collection: entity
    for entity in (
        CERTIFICATES,
        SNIS,
        CA_CERTIFICATES,
        SERVICES,
        ROUTES,
        UPSTREAMS,
        TARGETS,
        CONSUMERS,
        CONSUMER_GROUPS,
        CONSUMER_GROUP_CONSUMERS,
        *CREDENTIALS,
        PARTIALS,
        PLUGINS,
        VAULTS,
        KEY_SETS,
        KEYS,
    )
}
"""Every kind of entity by collection name; an entity only refers to collections before its own."""


def entity_type(collection: str) -> EntityType:
    """Return the entity type of a collection; raises ``NotFound`` naming the known ones."""
    found = ENTITIES.get(collection)
    if found is None:
        raise NotFound(f'no collection "{collection}"; {choices(collection, ENTITIES)}')
    return found


def validate_row(collection: str, data: Mapping[str, Any]) -> Row:
    """Check one entity and return its complete row, with id, times and defaults filled in.

    ``data`` may hold foreign keys as id strings or ``{"id": …}``. Raises ``SchemaViolation``.
    """
    return validate(entity_type(collection), data)


__all__ = ["ENTITIES", "EntityType", "Row", "entity_type", "validate_row"]
