# SPDX-License-Identifier: Apache-2.0
"""Who is in which consumer group, under Kong's paths: from the group's side and the consumer's.

The bodies are those that decK reads (go-kong ``kong/consumer_group_service.go``): a group on its
own comes with its members around it, unlike any other entity.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.control_plane import changes
from gateway.control_plane.admin.entities import change_as_asked, show, wanted_wait
from gateway.control_plane.admin.responses import read_object, respond
from gateway.control_plane.publisher import Publisher
from gateway.entities import Row
from gateway.entities.checks import Table
from gateway.errors import NotFound, SchemaViolation

_MEMBERS = "consumer_group_consumers"
_SIDES = {"consumer_groups": "consumer_group", "consumers": "consumer"}
"""Collection to the field of a membership that refers to it."""
_OTHER = {"consumer_groups": "consumers", "consumers": "consumer_groups"}
_GIVEN = {"consumer_groups": "consumer", "consumers": "group"}
"""The field of a body that names what is to be put together with the entity in the path."""


class MembershipEndpoints:
    """The memberships of one side: those of ``/consumer_groups/x`` or of ``/consumers/x``."""

    def __init__(self, publisher: Publisher, side: str) -> None:
        self._publisher = publisher
        self._side = side
        self._other = _OTHER[side]

    def routes(self) -> list[Route]:
        """Return the routes; they come before those of the entities."""
        path = f"/{self._side}/{{one}}/{self._other}"
        return [
            Route(path, self.all, methods=["GET"]),
            Route(path, self.add, methods=["POST"]),
            Route(path, self.remove, methods=["DELETE"]),
            Route(f"{path}/{{other}}", self.one, methods=["GET"]),
            Route(f"{path}/{{other}}", self.remove, methods=["DELETE"]),
        ]

    async def all(self, request: Request) -> Response:
        """List the members, or the groups."""
        table = self._publisher.table
        found = _together(table, self._side, self._find(table, request))
        return respond(200, {self._other: found, "data": found, "next": None})

    async def one(self, request: Request) -> Response:
        """Show one of them with the entity in the path."""
        table = self._publisher.table
        row = self._find(table, request)
        other = changes.get(table, self._other, request.path_params["other"])
        if not _memberships(table, self._side, row, other):
            raise NotFound("Not found")
        return respond(200, self._both(row, [show(self._other, other)]))

    async def add(self, request: Request) -> Response:
        """Put one or several together with the entity in the path, which then is shown."""
        names = _names(await read_object(request), _GIVEN[self._side])

        def rule(table: Table) -> Table:
            row = self._find(table, request)
            for name in names:
                other = changes.get(table, self._other, name)
                pair = {_SIDES[self._side]: row["id"], _SIDES[self._other]: other["id"]}
                table = changes.create(table, _MEMBERS, pair, int(time.time())).table
            return table

        await self._change(rule, request)
        table = self._publisher.table
        row = self._find(table, request)
        return respond(201, self._both(row, _together(table, self._side, row)))

    async def remove(self, request: Request) -> Response:
        """Take one away from the entity in the path, or all."""
        name = request.path_params.get("other")
        if name is None and request.scope["raw_path"].endswith(b"/"):
            raise NotFound(
                "Not found"
            )  # a name that is empty, as of a variable, is not all of them

        def rule(table: Table) -> Table:
            row = self._find(table, request)
            other = None if name is None else changes.get(table, self._other, name)
            for member in _memberships(table, self._side, row, other):
                table = changes.delete(table, _MEMBERS, member["id"])
            return table

        wanted_wait(request)
        # Also when it is not there: the caller has what it wants.
        with suppress(NotFound):
            await self._change(rule, request)
        return respond(204)

    def _find(self, table: Table, request: Request) -> Row:
        return changes.get(table, self._side, request.path_params["one"])

    async def _change(self, rule: Callable[[Table], Table], request: Request) -> None:
        verb = "add to" if request.method == "POST" else "remove from"
        message = f"{verb} {self._side} {request.path_params['one']}"
        await change_as_asked(self._publisher, request, rule, message)

    def _both(self, row: Row, others: list[dict[str, Any]]) -> dict[str, Any]:
        return {_SIDES[self._side]: show(self._side, row), self._other: others}


def membership_routes(publisher: Publisher) -> list[Route]:
    """Return the routes of both sides, and that of a group with its members."""

    async def group(request: Request) -> Response:
        table = publisher.table
        row = changes.get(table, "consumer_groups", request.path_params["one"])
        body: dict[str, Any] = {"consumer_group": show("consumer_groups", row)}
        if request.query_params.get("list_consumers") != "false":
            body["consumers"] = _together(table, "consumer_groups", row)
        return respond(200, body)

    sides = [route for side in _SIDES for route in MembershipEndpoints(publisher, side).routes()]
    return [Route("/consumer_groups/{one}", group, methods=["GET"]), *sides]


def _names(body: dict[str, Any], field: str) -> list[str]:
    given = body.get(field)
    names = given if isinstance(given, list) else [given]
    texts = [name for name in names if isinstance(name, str)]
    if not texts or texts != names:
        raise SchemaViolation({field: "expected a name or id, or a list of them"}, _MEMBERS)
    return texts


def _memberships(table: Table, side: str, row: Row, other: Row | None) -> list[Row]:
    mine, its = _SIDES[side], _SIDES[_OTHER[side]]
    return [
        member
        for member in table.get(_MEMBERS, ())
        if member[mine] == row["id"] and (other is None or member[its] == other["id"])
    ]


def _together(table: Table, side: str, row: Row) -> list[dict[str, Any]]:
    other = _OTHER[side]
    ids = {member[_SIDES[other]] for member in _memberships(table, side, row, None)}
    rows: Iterable[Row] = table.get(other, ())
    return [show(other, found) for found in rows if found["id"] in ids]
