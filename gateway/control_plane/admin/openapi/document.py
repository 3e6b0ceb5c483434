# SPDX-License-Identifier: Apache-2.0
"""``/openapi.json``: every route, with what it takes and answers."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway import __version__
from gateway.control_plane.access.sent_token import TOKEN_HEADER
from gateway.control_plane.admin.entities import WAIT
from gateway.control_plane.admin.openapi.operations import (
    HEADERS,
    OPERATIONS,
    PAGED,
    QUERY,
    SCHEMAS,
    UNKNOWN,
    WRITE_ERRORS,
    Operation,
    listed,
)
from gateway.control_plane.admin.openapi.schemas import entity_schemas, name_of, reference
from gateway.control_plane.admin.owners import OWNER
from gateway.control_plane.admin.paths import nestings, top_collections, top_path
from gateway.control_plane.admin.responses import respond
from gateway.control_plane.admin.workspaces import KINDS
from gateway.control_plane.holds import HEADER as HOLD
from gateway.entities import ENTITIES

_VARIABLE = re.compile(r"\{(\w+)(?::\w+)?\}")
_WRITE_HEADERS = (OWNER, WAIT, HOLD)
_SCHEMES: dict[str, Any] = {
    "token": {"type": "apiKey", "in": "header", "name": TOKEN_HEADER},
    "bearer": {"type": "http", "scheme": "bearer"},
    "basic": {"type": "http", "scheme": "basic"},
}
_REASONS = {
    400: "The request cannot be used.",
    401: "No token, or none that is valid.",
    403: "The caller may not do this.",
    404: "There is no such thing.",
    405: "Kong can do it, this gateway cannot.",
    409: "It contradicts what is there, or a data plane refuses it.",
    413: "The body is too large.",
    415: "The body is of another type.",
    429: "Too many wrong tokens from this address.",
    503: "The database or the audit log cannot be written now.",
    507: "The database has no space left.",
}
_ERROR = {"application/json": {"schema": reference("Error")}}


def openapi(routes: Iterable[Route]) -> dict[str, Any]:
    """Return the document."""
    known = {**_entity_operations(), **OPERATIONS}
    paths: dict[str, dict[str, Any]] = {}
    names: dict[str, str] = {}
    for route in routes:
        plain = _VARIABLE.sub(r"{\1}", route.path)
        # Two routes may have the same path with other names in it.
        path = names.setdefault(_VARIABLE.sub("{}", route.path), plain)
        for method in sorted((route.methods or set()) - {"HEAD"}):
            if _elsewhere(method, route.path):
                continue
            shown = _shown(method, path, known.get((method, route.path), UNKNOWN))
            paths.setdefault(path, {}).setdefault(method.lower(), shown)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "kafka-gateway Admin API",
            "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{name: []} for name in _SCHEMES],
        "paths": paths,
        "components": {
            "securitySchemes": _SCHEMES,
            "schemas": {**entity_schemas(), **SCHEMAS},
            "responses": {
                f"Error{status}": {"description": reason, "content": _ERROR}
                for status, reason in _REASONS.items()
            },
        },
    }


def _elsewhere(method: str, path: str) -> bool:
    """Tell whether Kong answers a call and this gateway only says that it does not."""
    if path.startswith("/workspaces"):
        return method != "GET"
    return any(path in (f"/{kind}", f"/{kind}/{{name}}") for kind in KINDS)


def _shown(method: str, path: str, operation: Operation) -> dict[str, Any]:
    slug = re.sub(r"\W+", "_", path).strip("_") or "root"
    shown: dict[str, Any] = {
        "operationId": f"{method.lower()}_{slug}",
        "summary": operation.summary,
        "parameters": list(_parameters(path, operation)),
        "responses": _responses(operation),
    }
    if operation.body is not None:
        content = {"application/json": {"schema": operation.body}}
        if operation.form:
            content["application/x-www-form-urlencoded"] = {"schema": operation.body}
        shown["requestBody"] = {"content": content}
    if operation.open:
        shown["security"] = []
    return shown


def _parameters(path: str, operation: Operation) -> Iterable[dict[str, Any]]:
    for name in _VARIABLE.findall(path):
        schema: dict[str, Any] = {"type": "string", "minLength": 1}
        if name in operation.ids:
            schema["format"] = "uuid"
        yield {"name": name, "in": "path", "required": True, "schema": schema}
    for name in operation.query:
        yield {"name": name, "in": "query", "schema": QUERY[name]}
    for name in operation.headers:
        yield {"name": name, "in": "header", "schema": HEADERS[name]}


def _responses(operation: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if operation.answer is None:
        found["204"] = {"description": "Done."}
    else:
        content = {"application/json": {"schema": operation.answer}}
        found[str(operation.status)] = {"description": "Done.", "content": content}
    if operation.unchanged:
        found["304"] = {"description": "Nothing would change."}
    for status in operation.errors:
        found[str(status)] = {"$ref": f"#/components/responses/Error{status}"}
    return found


def _entity_operations() -> dict[tuple[str, str], Operation]:
    found: dict[tuple[str, str], Operation] = {}
    for collection in top_collections():
        path = top_path(collection)
        more = ("custom_id",) if collection == "consumers" else ()
        found |= _collection(path, collection, {"key": collection}, more)
        for field, target in ENTITIES[collection].foreign.items():
            one = _one(f"{path}/{{key}}/{field}", target, {"key": collection})
            found |= {key: value for key, value in one.items() if key[0] != "DELETE"}
    for nesting in nestings():
        keyed = {"parent": nesting.parent, "key": nesting.child}
        found |= _collection(nesting.path, nesting.child, keyed, ())
    return found


def _collection(
    path: str, collection: str, keyed: Mapping[str, str], query: tuple[str, ...]
) -> dict[tuple[str, str], Operation]:
    name = name_of(collection)
    ids = _ids(keyed)
    return {
        ("GET", path): Operation(
            f"List {collection}.",
            listed(reference(name)),
            query=(*PAGED, "tags", *_display_arguments(collection), *query),
            headers=(HOLD,),
            ids=ids,
        ),
        ("POST", path): _write(
            f"Create one of the {collection}.", name, f"{name}Write", ids, status=201
        ),
        **_one(f"{path}/{{key}}", collection, keyed),
    }


def _one(path: str, collection: str, keyed: Mapping[str, str]) -> dict[tuple[str, str], Operation]:
    name, ids, one = name_of(collection), _ids(keyed), f"one of the {collection}."
    return {
        ("GET", path): Operation(
            f"Read {one}",
            reference(name),
            query=_display_arguments(collection),
            headers=(HOLD,),
            ids=ids,
        ),
        ("PUT", path): _write(f"Create or replace {one}", name, f"{name}Write", ids),
        ("PATCH", path): _write(f"Change {one}", name, f"{name}Patch", ids),
        ("DELETE", path): Operation(
            f"Delete {one}", headers=_WRITE_HEADERS, errors=WRITE_ERRORS, ids=ids
        ),
    }


def _display_arguments(collection: str) -> tuple[str, ...]:
    """Return the arguments that say how entities are shown."""
    return ("owner_tags", "expand_partials") if collection == "plugins" else ("owner_tags",)


def _write(
    summary: str, answer: str, body: str, ids: tuple[str, ...], status: int = 200
) -> Operation:
    return Operation(
        summary,
        reference(answer),
        status,
        reference(body),
        headers=_WRITE_HEADERS,
        form=True,
        errors=WRITE_ERRORS,
        ids=ids,
    )


def _ids(keyed: Mapping[str, str]) -> tuple[str, ...]:
    """Return the parameters of a path that take an id and nothing else."""
    found = tuple(name for name, one in keyed.items() if ENTITIES[one].endpoint_key is None)
    if {"parent", "key"} <= keyed.keys():
        entity = ENTITIES[keyed["key"]]
        inside = [name for name, one in entity.foreign.items() if one == keyed["parent"]]
        if any(entity.name_within(name) for name in inside):
            return tuple(name for name in found if name != "key")
    return found


class OpenApiEndpoint:
    """``/openapi.json``."""

    def __init__(self) -> None:
        self._routes: list[Route] = []
        self._document: dict[str, Any] | None = None

    def routes(self) -> list[Route]:
        """Return the route."""
        return [Route("/openapi.json", self.document, methods=["GET"])]

    def describe(self, routes: list[Route]) -> None:
        """Say which routes the document has."""
        self._routes = routes

    async def document(self, request: Request) -> Response:
        """Describe the whole API."""
        if self._document is None:
            self._document = await asyncio.to_thread(openapi, self._routes)
        return respond(200, self._document)
