# SPDX-License-Identifier: Apache-2.0
"""Entities one by one: lists, reads and writes, on their own and inside their parents."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.control_plane import changes
from gateway.control_plane.access.authentication import CONFIGURED, NOBODY
from gateway.control_plane.access.identity import AdminIdentity
from gateway.control_plane.admin.owners import guarded, shows_owners
from gateway.control_plane.admin.pages import page
from gateway.control_plane.admin.paths import Nesting, nestings, top_collections, top_path
from gateway.control_plane.admin.responses import SAFE, read_object, respond, warning
from gateway.control_plane.around import around_plugin
from gateway.control_plane.authors import Author
from gateway.control_plane.certificate_names import names_of
from gateway.control_plane.changes import Written
from gateway.control_plane.partials import show_links
from gateway.control_plane.publisher import Publisher
from gateway.control_plane.releases import Rule
from gateway.entities import ENTITIES, Row
from gateway.entities.checks import Table
from gateway.entities.own_tags import without_own_tags
from gateway.entities.shape import Shape
from gateway.entities.validation import shape_for
from gateway.errors import NotFound, ReleaseRefused, RequestRejected
from gateway.plugins.warnings import entity_warnings

Change = Callable[[Table], Written]

WAIT, LONGEST_WAIT = "X-Kafka-Gateway-Wait", 600.0
"""The header that has a single write wait for data planes, and the most seconds it may say."""
_LONGEST_MESSAGE = 1000
_EXPAND, _TRUE = "expand_partials", frozenset({"1", "true"})
"""The argument of Kong's that asks for plugins with what their partials say."""
_NAMING = ("name", "username", "prefix", "custom_id")
"""Fields by which people know an entity."""


def show(collection: str, row: Row, owners: bool = False) -> dict[str, Any]:
    """Return a row as the Admin API shows it: foreign keys as ``{"id": …}`` or null.

    ``owners`` leaves the tags in that say whose the entity is.
    """
    body = dict(row if owners else without_own_tags(row))
    for field in ENTITIES[collection].foreign:
        value = body.get(field)
        body[field] = None if value is None else {"id": value}
    return body


def show_certificate(table: Table, row: Row, owners: bool = False) -> dict[str, Any]:
    """Return a certificate with its server names."""
    return show("certificates", row, owners) | {"snis": names_of(table, row["id"])}


def show_plugin(
    table: Table, row: Row, owners: bool = False, whole: bool = False
) -> dict[str, Any]:
    """Return a plugin with the names of its partials; ``whole``: with what they say, too."""
    return show("plugins", show_links(table, row, whole=whole), owners)


class EntityEndpoints:
    """The paths of one collection, inside a parent when there is a ``nesting``."""

    def __init__(
        self, publisher: Publisher, collection: str, nesting: Nesting | None = None
    ) -> None:
        self.publisher = publisher
        self._collection = collection
        self._nesting = nesting
        # What several parents may each have one of: a target of an upstream, a consumer's group.
        self._name_within = (
            None if nesting is None else ENTITIES[collection].name_within(nesting.field)
        )

    def routes(self) -> list[Route]:
        """Return the routes of the collection and of one entity in it."""
        path = top_path(self._collection) if self._nesting is None else self._nesting.path
        one = ["GET", "PUT", "PATCH", "DELETE"]
        return [
            Route(path, self.collection, methods=["GET", "POST"]),
            Route(f"{path}/{{key}}", self.one, methods=one),
        ]

    async def collection(self, request: Request) -> Response:
        """List the entities, or create one."""
        if request.method == "POST":
            data = await read_object(request, self._shape)
            row = await self._write(
                request,
                f"create {self._collection}",
                lambda table: changes.create(
                    table, self._collection, {**data, **self._foreign(table, request)}, _now()
                ),
            )
            return respond(201, self._show(request)(row), self._warnings(row))
        rows = self._rows(self.publisher.table, request)
        wanted = request.query_params.get("custom_id")
        if self._collection == "consumers" and self._nesting is None and wanted is not None:
            rows = [row for row in rows if row["custom_id"] == wanted]
        shown = page(rows, request.scope["path"], request.query_params, self._show(request))
        return respond(200, shown)

    async def one(self, request: Request) -> Response:
        """Read, replace, change or delete one entity, by its id or name."""
        key = request.path_params["key"]
        if request.method == "DELETE":
            return await self._delete(request, key)
        if request.method in ("GET", "HEAD"):
            row = self._get(self.publisher.table, request, key)
            return respond(200, self._show(request)(row), self._warnings(row, quick=True))
        data = await self._read_one(request, key)
        if request.method == "PATCH":

            def change(table: Table) -> Written:
                own = key if self._nesting is None else self._get(table, request, key)["id"]
                return changes.patch(table, self._collection, own, data, _now())

        else:

            def change(table: Table) -> Written:
                full = {**data, **self._foreign(table, request)}
                own = key
                if (name := self._name_of(key)) is not None:
                    full[name] = key
                    found = self._find_within(table, request, name, key)
                    own = str(uuid4()) if found is None else found["id"]
                return changes.put(table, self._collection, own, full, _now())

        verb = "change" if request.method == "PATCH" else "put"
        named = _named(data, key) if changes.is_id(key) else self._shown(key)
        message = f"{verb} {self._collection} {named}"
        row = await self._write(request, message[:_LONGEST_MESSAGE], change)
        return respond(200, self._show(request)(row), self._warnings(row))

    async def _read_one(self, request: Request, key: str) -> dict[str, Any]:
        """Read the body for one entity; what is there already says what a form is like."""
        table = self.publisher.table
        if (name := self._name_of(key)) is not None:
            found = self._find_within(table, request, name, key)
        else:
            found = changes.find(table, self._collection, key)
        there = found or {}
        return await read_object(request, lambda form: self._shape({**there, **form}))

    def _shown(self, key: str) -> str:
        """Return a key of a path as texts may have it: that of a credential can be a secret."""
        return "…" if ENTITIES[self._collection].secret_key else key

    def _shape(self, data: Mapping[str, Any]) -> Shape:
        return shape_for(ENTITIES[self._collection], data)

    async def _delete(self, request: Request, key: str) -> Response:
        wanted_wait(request)  # a wrong one is refused whether the entity is there or not

        def rule(table: Table) -> Table:
            own = self._get(table, request, key)["id"]
            return changes.delete(table, self._collection, own)

        try:
            row = self._get(self.publisher.table, request, key)
            named = _named(row, key if changes.is_id(key) else self._shown(key))
            message = f"delete {self._collection} {named}"[:_LONGEST_MESSAGE]
            await change_as_asked(self.publisher, request, rule, message)
        except NotFound:
            pass  # also when it is not there: the caller has what it wants
        return respond(204)

    async def _write(self, request: Request, message: str, change: Change) -> Row:
        written: list[Written] = []

        def rule(table: Table) -> Table:
            written.append(change(table))
            return written[0].table

        await change_as_asked(self.publisher, request, rule, message)
        return written[0].row

    def _rows(self, table: Table, request: Request) -> list[Row]:
        rows = table.get(self._collection, [])
        if self._nesting is None:
            return rows
        parent = self._parent(table, request)["id"]
        return [row for row in rows if row.get(self._nesting.field) == parent]

    def _name_of(self, key: str) -> str | None:
        """Return the field in which a key is the name of an entity of this path's parent.

        None: it is an id, or a name among all.
        """
        return None if changes.is_id(key) else self._name_within

    def _find_within(self, table: Table, request: Request, name: str, key: str) -> Row | None:
        """Return the entity with that field inside the parent of this path, or None."""
        wanted = ENTITIES[self._collection].as_named(key)
        return next((row for row in self._rows(table, request) if row[name] == wanted), None)

    def _get(self, table: Table, request: Request, key: str) -> Row:
        if (name := self._name_of(key)) is not None:
            found = self._find_within(table, request, name, key)
            if found is None:
                raise NotFound("Not found")
            return found
        if self._nesting is None or not changes.is_id(key):
            within = {**table, self._collection: self._rows(table, request)}
            return changes.get(within, self._collection, key)
        row = changes.get(table, self._collection, key)
        if row.get(self._nesting.field) != self._parent(table, request)["id"]:
            raise NotFound("Not found")
        return row

    def _foreign(self, table: Table, request: Request) -> dict[str, str]:
        if self._nesting is None:
            return {}
        return {self._nesting.field: self._parent(table, request)["id"]}

    def _parent(self, table: Table, request: Request) -> Row:
        assert self._nesting is not None
        return changes.get(table, self._nesting.parent, request.path_params["parent"])

    def _warnings(self, row: Row, *, quick: bool = False) -> dict[str, str] | None:
        """Return the header that warns of an entity which does not do what it seems to.

        ``quick`` leaves out what takes a look at the whole configuration.
        """
        refusal = self.publisher.judge.refusal_of(self._collection, row["id"])
        found = [] if refusal is None else [refusal.warning]
        if not quick:
            table = self.publisher.table
            if self._collection == "plugins":
                table = around_plugin(table, row)
            found += entity_warnings(table, self._collection, row)
        return {"Warning": ", ".join(map(warning, found))} if found else None

    def _show(self, request: Request) -> Callable[[Row], dict[str, Any]]:
        owners = shows_owners(request)
        if self._collection == "certificates":
            return partial(show_certificate, self.publisher.table, owners=owners)
        if self._collection == "plugins":
            # A response to a write has all that the plugin will do.
            whole = request.method not in SAFE or request.query_params.get(_EXPAND) in _TRUE
            return partial(show_plugin, self.publisher.table, owners=owners, whole=whole)
        return partial(show, self._collection, owners=owners)


def author(request: Request, given: str = "") -> str:
    """Return who makes a release by a request: whose token it has, and who it says it is.

    Who has the token of the settings, or none where none is needed, says so for itself.
    """
    identity: AdminIdentity = request.state.identity
    name = identity.name
    if given:
        name = given if identity.name in (CONFIGURED, NOBODY) else f"{name} (for {given})"
    address, _ = request.scope["client"]
    return str(Author(name, address, request.headers.get("user-agent", "")))


def _named(data: Mapping[str, Any], key: str) -> str:
    """Return by what a message names an entity: its name, or the key in the path."""
    return next((str(data[name]) for name in _NAMING if isinstance(data.get(name), str)), key)


async def change_as_asked(publisher: Publisher, request: Request, rule: Rule, message: str) -> None:
    """Make a single write, and wait for data planes when the caller asks for it by ``WAIT``.

    Raises ``ReleaseRefused`` when one of them refuses it; it is taken back then. Raises
    ``OwnedElsewhere`` when it would change what is another owner's.
    """
    rule = guarded(rule, request)
    wait = wanted_wait(request)
    if wait is None:
        await publisher.change(rule, author(request), message)
        return
    outcome = await publisher.change_and_wait(rule, author(request), message, wait)
    if outcome is not None and outcome.refusals:
        raise ReleaseRefused(
            [f"data plane {one.hostname} ({one.id}): {one.error}" for one in outcome.refusals]
        )


def wanted_wait(request: Request) -> float | None:
    """Return for how many seconds a single write waits for data planes; None: not at all.

    Raises ``RequestRejected``.
    """
    text = request.headers.get(WAIT)
    if text is None:
        return None
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= LONGEST_WAIT:
        raise RequestRejected(400, f"{WAIT}: {text}: allowed: 0 to {LONGEST_WAIT:g} seconds")
    return found


def entity_routes(publisher: Publisher) -> list[Route]:
    """Return the routes of all entities, the nested ones first."""
    routes = [
        route
        for nesting in nestings()
        for route in EntityEndpoints(publisher, nesting.child, nesting).routes()
    ]
    for collection in top_collections():
        routes += EntityEndpoints(publisher, collection).routes()
    return [*_foreign_routes(publisher), *routes]


def _foreign_routes(publisher: Publisher) -> Iterator[Route]:
    """Yield the paths of what entities refer to: ``/routes/{x}/service``, ``/snis/{x}/…``."""
    for collection in top_collections():
        for field, target in ENTITIES[collection].foreign.items():
            read = _referred_to(EntityEndpoints(publisher, target), collection, field)
            path = f"{top_path(collection)}/{{key}}/{field}"
            yield Route(path, read, methods=["GET", "PUT", "PATCH"])


def _referred_to(
    endpoints: EntityEndpoints, collection: str, field: str
) -> Callable[[Request], Awaitable[Response]]:
    async def call(request: Request) -> Response:
        table = endpoints.publisher.table
        row = changes.get(table, collection, request.path_params["key"])
        if row[field] is None:
            raise NotFound("Not found")
        request.path_params["key"] = row[field]
        return await endpoints.one(request)

    return call


def _now() -> int:
    return int(time.time())
