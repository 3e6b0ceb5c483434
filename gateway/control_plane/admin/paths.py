# SPDX-License-Identifier: Apache-2.0
"""Which collection stands under which path (Kong 3.10 ``kong/api/endpoints.lua``)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from starlette.routing import Match, Route
from starlette.types import Scope

from gateway.entities import ENTITIES

_TOP = {
    "keyauth_credentials": "key-auths",
    "basicauth_credentials": "basic-auths",
    "hmacauth_credentials": "hmac-auths",
    "jwt_secrets": "jwts",
    "mtls_auth_credentials": "mtls-auths",
    "oauth2_credentials": "oauth2",
    "key_sets": "key-sets",
}
_NESTED = {
    "keyauth_credentials": "key-auth",
    "basicauth_credentials": "basic-auth",
    "hmacauth_credentials": "hmac-auth",
    "jwt_secrets": "jwt",
    "mtls_auth_credentials": "mtls-auth",
    "oauth2_credentials": "oauth2",
}
_ELSEWHERE = "consumer_group_consumers"
"""It has paths of its own kind: see ``admin/consumer_groups.py``."""
_ONLY_NESTED = frozenset({"targets", _ELSEWHERE})
"""Kong has no collection of all targets."""


class LiteralRoute(Route):
    """A route whose path is no key of the routes after it, whatever the method.

    Kong's router takes the path with the fewest names in it, and answers other methods with 405.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match by the path alone; the methods are looked at when the route is taken."""
        match, found = super().matches(scope)
        return (Match.FULL if match is Match.PARTIAL else match), found


@dataclass(frozen=True)
class Nesting:
    """A collection inside an entity: ``/services/{parent}/routes``."""

    parent: str
    child: str
    field: str
    """The child's foreign key to the parent."""

    @property
    def path(self) -> str:
        """The path of the collection; ``{parent}`` is the parent's id or name."""
        return f"{top_path(self.parent)}/{{parent}}/{_NESTED.get(self.child, self.child)}"


def top_path(collection: str) -> str:
    """Return the path of a collection."""
    return f"/{_TOP.get(collection, collection)}"


def top_collections() -> list[str]:
    """Return the collections that have a path of their own."""
    return [collection for collection in ENTITIES if collection not in _ONLY_NESTED]


@cache
def secret_paths() -> frozenset[str]:
    """Return the paths of routes in which ``{key}`` may be a secret: the one of a credential."""
    found = set()
    for collection in top_collections():
        entity = ENTITIES[collection]
        if entity.secret_key:
            found |= {f"{top_path(collection)}/{{key}}"}
            found |= {f"{top_path(collection)}/{{key}}/{field}" for field in entity.foreign}
            found |= {f"{one.path}/{{key}}" for one in nestings() if one.child == collection}
    return frozenset(found)


def nestings() -> list[Nesting]:
    """Return all collections inside entities."""
    return [
        Nesting(parent, child.collection, field)
        for child in ENTITIES.values()
        if child.collection != _ELSEWHERE
        for field, parent in child.foreign.items()
    ]
