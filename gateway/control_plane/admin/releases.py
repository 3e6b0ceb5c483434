# SPDX-License-Identifier: Apache-2.0
"""Releases and owners: publish, look back, compare, roll back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.control_plane.access.identity import AdminIdentity
from gateway.control_plane.access.owner_limits import limits_of
from gateway.control_plane.admin.entities import LONGEST_WAIT, author
from gateway.control_plane.admin.pages import following, number_in, page_before, page_size
from gateway.control_plane.admin.paths import WholeRoute
from gateway.control_plane.admin.responses import read_object, respond
from gateway.control_plane.authors import Author
from gateway.control_plane.ownership import owner_of, owns_anything
from gateway.control_plane.publisher import Outcome, Publisher
from gateway.control_plane.releases import Check
from gateway.control_plane.store import ReleaseInfo
from gateway.documents.document import from_table
from gateway.errors import NotFound, RequestRejected, SchemaViolation
from gateway.plugins.warnings import configuration_warnings

DEFAULT_WAIT = 10.0
"""Seconds to wait for data planes."""

_MAX_TEXT = 1000


class ReleaseEndpoints:
    """``/releases`` and ``/owners``."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def routes(self) -> list[Route]:
        """Return all routes."""
        one = "/releases/{number}"
        return [
            Route("/releases", self.releases, methods=["GET", "POST"]),
            Route(one, self.release, methods=["GET"]),
            Route(f"{one}/diff", self.diff, methods=["GET"]),
            Route(f"{one}/rollback", self.rollback, methods=["POST"]),
            Route("/owners", self.owners, methods=["GET"]),
            WholeRoute("/owners/{owner:path}", self.owner, methods=["GET", "DELETE"]),
        ]

    async def releases(self, request: Request) -> Response:
        """List releases, the newest first, or publish an owner's document."""
        if request.method == "POST":
            return await self._publish(request)
        query = request.query_params
        size = page_size(query)
        before = page_before(query)
        await self._publisher.newest_with_hash()
        found = await self._publisher.call(
            lambda: self._publisher.releases.store.list(size + 1, before)
        )
        body: dict[str, Any] = {"data": [_info(info) for info in found[:size]], "next": None}
        if len(found) > size:
            body |= following("/releases", size, found[size - 1].number)
        return respond(200, body)

    async def release(self, request: Request) -> Response:
        """Read one release with its whole configuration."""
        number = _release_number(request.path_params["number"])
        found = await self._publisher.call(lambda: self._publisher.releases.store.get(number))
        return respond(200, {**_info(found), "configuration": found.table})

    async def diff(self, request: Request) -> Response:
        """Compare a release with another, by default the newest."""
        number = _release_number(request.path_params["number"])
        newest = self._publisher.newest
        to = request.query_params.get("to", str(newest.number) if newest is not None else "0")
        other = _release_number(to)
        changes = await self._publisher.call(lambda: self._publisher.releases.diff(number, other))
        return respond(200, {"from": number, "to": other, "changes": changes})

    async def rollback(self, request: Request) -> Response:
        """Make an earlier release's content the newest."""
        number = _release_number(request.path_params["number"])
        who, message, wait = wait_and_texts(await read_object(request))
        message = message or f"rollback: to release {number}"
        who = author(request, who)
        return release_response(
            await self._publisher.rollback(number, who, message, wait, _limits(request))
        )

    async def owners(self, request: Request) -> Response:
        """List the owners of the newest configuration."""
        table = self._publisher.table
        names = {owner_of(row) for rows in table.values() for row in rows} - {None}
        return respond(200, {"data": [{"name": name} for name in sorted(map(str, names))]})

    async def owner(self, request: Request) -> Response:
        """Read an owner's live document, or publish without it."""
        owner = request.path_params["owner"]
        if request.method == "DELETE":
            wait = query_wait(request.query_params)
            who = author(request, request.query_params.get("who", "")[:_MAX_TEXT])
            outcome = await self._publisher.withdraw(
                owner, who, f"delete {owner}", wait, _limits(request)
            )
            return release_response(outcome) if outcome.refusals else respond(204)
        newest = await self._publisher.newest_with_hash()
        if newest is None or not owns_anything(newest.table, owner):
            raise NotFound(f'owner "{owner}" has no entities')
        document = from_table(newest.table, owner)
        return respond(200, {"document": document, "release": newest.number, "hash": newest.hash})

    async def _publish(self, request: Request) -> Response:
        body = await read_object(request)
        _only(body, "owner", "document", "select_tags", "who", "message", "wait")
        owner = _text(body, "owner")
        if not owner:
            raise SchemaViolation({"owner": "required field missing"})
        if not isinstance(body.get("document"), dict):
            raise SchemaViolation({"document": "expected a record"})
        message = _text(body, "message") or f"publish {owner}"
        who = author(request, _text(body, "who"))
        wait = _wait(body)
        return release_response(
            await self._publisher.publish(
                owner, body["document"], who, message, wait, _limits(request), _tags(body)
            )
        )


def _limits(request: Request) -> Check | None:
    identity: AdminIdentity = request.state.identity
    return limits_of(identity)


def release_response(outcome: Outcome) -> Response:
    """Return the response to a publishing call."""
    result = outcome.result
    planes = [
        {"id": one.id, "hostname": one.hostname, "status": one.status, "error": one.error}
        for one in outcome.verdicts
    ]
    body = {
        **_info(result.release),
        "unchanged": result.unchanged,
        "data_planes": planes,
        "warnings": configuration_warnings(result.release.table),
    }
    if not outcome.refusals:
        return respond(201, body)
    reasons = "; ".join(
        f"data plane {one.hostname} ({one.id}) refused it: {one.error}" for one in outcome.refusals
    )
    body |= {"name": "release refused", "message": f"release {result.release.number}: {reasons}"}
    back = outcome.taken_back
    body["rolled_back_by"] = None if back is None else back.number
    return respond(409, body)


def wait_and_texts(body: Mapping[str, Any]) -> tuple[str, str, float]:
    """Return ``who``, ``message`` (empty when absent) and ``wait`` of a body with nothing else.

    Raises ``SchemaViolation``.
    """
    _only(body, "who", "message", "wait")
    return _text(body, "who"), _text(body, "message"), _wait(body)


def _info(info: ReleaseInfo) -> dict[str, Any]:
    by = Author.parse(info.who)
    return {
        "number": info.number,
        "hash": info.hash or None,
        "created_at": info.created_at,
        "who": by.name,
        "from": by.address or None,
        "with": by.agent or None,
        "message": info.message,
    }


def _only(body: Mapping[str, Any], *known: str) -> None:
    unknown = {name: "unknown field" for name in body if name not in known}
    if unknown:
        advice = [f"{name}: unknown field; allowed: {', '.join(known)}" for name in unknown]
        raise SchemaViolation(unknown, problems=advice)


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > _MAX_TEXT:
        raise SchemaViolation({name: f"expected a string of at most {_MAX_TEXT} characters"})
    return value


def _wait(body: Mapping[str, Any]) -> float:
    value = body.get("wait", DEFAULT_WAIT)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= LONGEST_WAIT:
        raise SchemaViolation({"wait": f"value should be between 0 and {LONGEST_WAIT:g}"})
    return float(value)


def _tags(body: Mapping[str, Any]) -> list[str]:
    tags = body.get("select_tags")
    if tags is None:
        return []
    if not isinstance(tags, list) or not all(isinstance(one, str) for one in tags):
        raise SchemaViolation({"select_tags": "expected an array of strings"})
    return tags


def query_wait(query: Mapping[str, str]) -> float:
    """Return how many seconds to wait for data planes; raises ``RequestRejected``."""
    try:
        return _wait({"wait": float(query["wait"])} if "wait" in query else {})
    except ValueError:
        raise RequestRejected(400, "wait: expected a number of seconds") from None


def _release_number(text: str) -> int:
    number = number_in(text)
    if number is None:
        raise NotFound(f"no release {text}")
    return number
