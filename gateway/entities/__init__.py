# SPDX-License-Identifier: Apache-2.0
"""The entities of a configuration: one pydantic model each, which alone decides its shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.entities.base import Entity, EntityType, StrictModel
from gateway.entities.certificate import (
    CA_CERTIFICATES,
    CERTIFICATES,
    SNI,
    SNIS,
    CACertificate,
    Certificate,
)
from gateway.entities.consumer import CONSUMERS, Consumer
from gateway.entities.credentials import (
    CREDENTIALS,
    Acl,
    BasicAuthCredential,
    HmacAuthCredential,
    JwtSecret,
    KeyAuthCredential,
    OAuth2Credential,
)
from gateway.entities.plugin import PLUGINS, Plugin
from gateway.entities.route import ROUTES, Route
from gateway.entities.service import SERVICES, Service
from gateway.entities.upstream import TARGETS, UPSTREAMS, Target, Upstream
from gateway.entities.validation import Row, validate
from gateway.entities.vault import KEY_SETS, KEYS, VAULTS, Key, KeySet, Vault
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
        *CREDENTIALS,
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


__all__ = [
    "ENTITIES",
    "SNI",
    "Acl",
    "BasicAuthCredential",
    "CACertificate",
    "Certificate",
    "Consumer",
    "Entity",
    "EntityType",
    "HmacAuthCredential",
    "JwtSecret",
    "Key",
    "KeyAuthCredential",
    "KeySet",
    "OAuth2Credential",
    "Plugin",
    "Route",
    "Row",
    "Service",
    "StrictModel",
    "Target",
    "Upstream",
    "Vault",
    "entity_type",
    "validate_row",
]
