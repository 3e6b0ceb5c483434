# SPDX-License-Identifier: Apache-2.0
"""``/config``: a whole declarative configuration at once, as Kong without a database takes it.

Here it is one owner's: its entities are replaced by those of the document, in one release, and
other owners keep theirs. Bodies, options and answers are those of Kong 3.10
(``kong/api/routes/config.lua``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.control_plane.access.identity import AdminIdentity
from gateway.control_plane.access.owner_limits import limits_of
from gateway.control_plane.admin.declarative_errors import declarative_error
from gateway.control_plane.admin.entities import author, show
from gateway.control_plane.admin.forms import MULTIPART, URLENCODED, read_form
from gateway.control_plane.admin.releases import query_wait, release_response
from gateway.control_plane.admin.responses import respond
from gateway.control_plane.ownership import owner_of
from gateway.control_plane.publisher import Outcome, Publisher
from gateway.documents.deck import checked_format, parse
from gateway.documents.deck_lists import keyed
from gateway.documents.deck_writer import as_deck
from gateway.documents.document import Document, from_table
from gateway.documents.yaml_text import write_yaml
from gateway.entities.checks import Table
from gateway.errors import DocumentError, RequestRejected

OWNER = "config"
"""Whose the entities are when nobody says."""

_YAML = frozenset({"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"})
_TRUE = frozenset({"1", "true"})
_EXPECTED = "expected a declarative configuration"


class ConfigEndpoints:
    """``/config``."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/config", self.show, methods=["GET"]),
            Route("/config", self.replace, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """Show an owner's entities as a declarative configuration, in YAML within JSON."""
        text = await asyncio.to_thread(_written, self._publisher.table, _owner(request))
        return respond(200, {"config": text})

    async def replace(self, request: Request) -> Response:
        """Replace an owner's entities by those of a declarative configuration."""
        query = request.query_params
        document: Document = {}
        try:
            # Beside the loop: reading much YAML takes long.
            given = await asyncio.to_thread(_read, request, await request.body())
            document = await asyncio.to_thread(keyed, given)
            outcome = await self._publish(request, document)
        except DocumentError as error:
            flat = query.get("flatten_errors") in _TRUE
            return respond(400, declarative_error(error.problems, document, flat=flat))
        if outcome.refusals:
            return release_response(outcome)
        release = outcome.result.release
        headers = {"X-Kafka-Gateway-Release": str(release.number)}
        if outcome.result.unchanged and query.get("check_hash") in _TRUE:
            return Response(status_code=304, headers=headers)
        return respond(201, _shown(release.table, _owner(request)), headers)

    async def _publish(self, request: Request, document: Document) -> Outcome:
        owner, query = _owner(request), request.query_params
        request.state.body = {"owner": owner}
        message = query.get("message", "")[:1000] or f"config of {owner}"
        check = limits_of(request.state.identity)
        return await self._publisher.publish(
            owner, document, author(request), message, query_wait(query), check
        )


def _written(table: Table, owner: str) -> str:
    """Return what an owner has as the text of a decK file, which replaces it by itself."""
    return write_yaml(as_deck(from_table(table, owner), owner))


def _owner(request: Request) -> str:
    """Return whose the entities are: as asked, else the only owner of the caller."""
    identity: AdminIdentity = request.state.identity
    only = next(iter(identity.owners)) if len(identity.owners) == 1 else OWNER
    return request.query_params.get("owner", "")[:1000] or only


def _shown(table: Table, owner: str) -> dict[str, Any]:
    """Return an owner's entities by collection and id."""
    found: dict[str, Any] = {}
    for collection, rows in table.items():
        own = {row["id"]: show(collection, row) for row in rows if owner_of(row) == owner}
        if own:
            found[collection] = own
    return found


def _read(request: Request, content: bytes) -> dict[str, Any]:
    """Return what a body declares, its format checked.

    It is YAML or JSON, or a form or an object with such a text as ``config``. Raises
    ``RequestRejected``, and ``DocumentError`` for what is no document.
    """
    given = request.headers.get("content-type", "")
    media = given.partition(";")[0].strip().lower()
    identity: AdminIdentity = request.state.identity
    known = media in _YAML or media == "application/json"
    # As for entities: a page in any browser may send the other types, but it knows no token.
    if not known and not identity.proven:
        text = f'content type "{media}": send application/json or application/yaml'
        raise RequestRejected(415, f"{text}, or an admin token with it")
    if media in (URLENCODED, MULTIPART):
        return _parsed(read_form(content, given).get("config"))
    if media == "application/json":
        try:
            body = orjson.loads(content or b"null")
        except ValueError:
            raise RequestRejected(400, "Cannot parse JSON body") from None
        if isinstance(body, dict) and "_format_version" in body:
            return checked_format(body)
        return _parsed(body.get("config") if isinstance(body, dict) else None)
    try:
        return _parsed(content.decode())
    except UnicodeDecodeError:
        raise RequestRejected(400, "the configuration is not UTF-8 text") from None


def _parsed(text: Any) -> dict[str, Any]:
    if isinstance(text, Mapping):
        return checked_format(dict(text))
    if not isinstance(text, str) or not text.strip():
        raise RequestRejected(400, _EXPECTED)
    return parse(text)
