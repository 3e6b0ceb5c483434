# SPDX-License-Identifier: Apache-2.0
"""Schemas of entities and plugins, and the check of one entity without writing it."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.control_plane.admin.responses import read_object, respond
from gateway.entities import entity_type, validate_row
from gateway.schema import entity_schema, plugin_schema, vault_schema


async def _entity(request: Request) -> Response:
    return respond(200, entity_schema(request.path_params["collection"]))


async def _plugin(request: Request) -> Response:
    return respond(200, plugin_schema(request.path_params["name"]))


async def _vault(request: Request) -> Response:
    return respond(200, vault_schema(request.path_params["name"]))


async def _validate(request: Request) -> Response:
    collection = request.path_params["collection"]
    entity_type(collection)
    validate_row(collection, await read_object(request))
    return respond(200, {"message": "schema validation successful"})


def schema_routes() -> list[Route]:
    """Return ``/schemas/…``."""
    return [
        Route("/schemas/plugins/validate", _validate_plugin, methods=["POST"]),
        Route("/schemas/plugins/{name}", _plugin, methods=["GET"]),
        Route("/schemas/vaults/{name}", _vault, methods=["GET"]),
        Route("/schemas/{collection}", _entity, methods=["GET"]),
        Route("/schemas/{collection}/validate", _validate, methods=["POST"]),
    ]


async def _validate_plugin(request: Request) -> Response:
    validate_row("plugins", await read_object(request))
    return respond(200, {"message": "schema validation successful"})
