# SPDX-License-Identifier: Apache-2.0
"""Schemas of entities and plugins, and the check of one entity without writing it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.control_plane.admin.paths import LiteralRoute
from gateway.control_plane.admin.responses import read_object, respond
from gateway.entities import entity_type, validate_row
from gateway.entities.validation import shape_for
from gateway.schema import (
    entity_schema,
    partial_schema,
    plugin_schema,
    vault_schema,
)

_SOME_ID = "00000000-0000-4000-8000-000000000000"


async def _entity(request: Request) -> Response:
    return respond(200, entity_schema(request.path_params["collection"]))


async def _plugin(request: Request) -> Response:
    return respond(200, plugin_schema(request.path_params["name"]))


async def _vault(request: Request) -> Response:
    return respond(200, vault_schema(request.path_params["name"]))


async def _partial(request: Request) -> Response:
    return respond(200, partial_schema(request.path_params["name"]))


async def _validate(request: Request) -> Response:
    collection = request.path_params["collection"]
    entity = entity_type(collection)
    _check(collection, await read_object(request, partial(shape_for, entity)))
    return respond(200, {"message": "schema validation successful"})


def schema_routes() -> list[Route]:
    """Return ``/schemas/…``."""
    return [
        LiteralRoute("/schemas/plugins/validate", _validate_plugin, methods=["POST"]),
        Route("/schemas/plugins/{name}", _plugin, methods=["GET"]),
        Route("/schemas/vaults/{name}", _vault, methods=["GET"]),
        Route("/schemas/partials/{name}", _partial, methods=["GET"]),
        Route("/schemas/{collection}", _entity, methods=["GET"]),
        Route("/schemas/{collection}/validate", _validate, methods=["POST"]),
    ]


async def _validate_plugin(request: Request) -> Response:
    _check("plugins", await read_object(request, partial(shape_for, entity_type("plugins"))))
    return respond(200, {"message": "schema validation successful"})


def _check(collection: str, data: Mapping[str, Any]) -> None:
    """Check an entity by itself: whether what it refers to exists is not asked, as with Kong.

    Raises ``SchemaViolation``.
    """
    given = dict(data)
    for field, target in entity_type(collection).foreign.items():
        value = data.get(field)
        name = entity_type(target).endpoint_key
        if isinstance(value, Mapping) and value.get("id") is None and value.get(name or ""):
            given[field] = _SOME_ID  # a write would look the name up
    validate_row(collection, given)
