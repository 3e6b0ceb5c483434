# SPDX-License-Identifier: Apache-2.0
"""The pages of releases: what each changed, who serves it, and the way back to one."""

from __future__ import annotations

from collections import Counter
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.control_plane.admin.entities import author
from gateway.control_plane.admin.pages import number_in
from gateway.control_plane.authors import Author
from gateway.control_plane.data_plane_lines import DataPlaneLines
from gateway.control_plane.page.changes import EntityChange, entity_changes
from gateway.control_plane.page.view import View
from gateway.control_plane.page.viewer import demand
from gateway.control_plane.publisher import Outcome, Publisher
from gateway.control_plane.store import Release
from gateway.entities.checks import Table
from gateway.errors import NotFound

SIZE = 25
"""Releases on one page."""
_WAIT = 10.0
"""Seconds that a rollback waits for data planes."""
_MOST_CHANGES = 200
"""Entities of a diff that are shown; of more it says how many."""


class ReleasesPage:
    """``/releases``, one release, and its rollback."""

    def __init__(self, view: View, publisher: Publisher, lines: DataPlaneLines) -> None:
        self._view = view
        self._publisher = publisher
        self._lines = lines

    def routes(self) -> list[Route]:
        """Return all routes."""
        return [
            Route("/releases", self.releases, methods=["GET"]),
            Route("/releases/{number}", self.release, methods=["GET"]),
            Route("/releases/{number}/rollback", self.rollback, methods=["POST"]),
        ]

    async def releases(self, request: Request) -> Response:
        """List releases, the newest first."""
        text = request.query_params.get("before", "")
        before = _number(text) if text else None
        await self._publisher.newest_with_hash()
        store = self._publisher.releases.store
        found = await self._publisher.call(lambda: store.list(SIZE + 1, before))
        served = Counter(
            one.release for one in await self._lines.lines() if one.condition != "away"
        )
        return self._view.render(
            request,
            "releases.html",
            releases=[(one, Author.parse(one.who)) for one in found[:SIZE]],
            served=served,
            older=found[SIZE - 1].number if len(found) > SIZE else None,
            first=before is None,
        )

    async def release(self, request: Request) -> Response:
        """Show what a release changed, and what going back to it would."""
        return await self._shown(request, _number(request.path_params["number"]))

    async def rollback(self, request: Request) -> Response:
        """Make an earlier release's content the newest, and tell what data planes say."""
        number = _number(request.path_params["number"])
        await self._view.form(request)
        demand(request, "publish", all_owners=True)
        who = author(request)
        message = f"rollback: to release {number}"
        outcome = await self._publisher.rollback(number, who, message, _WAIT)
        return await self._shown(request, outcome.result.release.number, outcome, number)

    async def _shown(
        self, request: Request, number: int, outcome: Outcome | None = None, source: int = 0
    ) -> Response:
        release = await self._get(number)
        before = await self._before(number)
        newest = self._publisher.newest
        assert newest is not None
        changes = await self._changes({} if before is None else before.table, release.table)
        back = None
        if newest.number != number:
            back = await self._changes(newest.table, release.table)
        return self._view.render(
            request,
            "release.html",
            409 if outcome is not None and outcome.refusals else 200,
            release=release,
            author=Author.parse(release.who),
            before=before,
            changes=changes[:_MOST_CHANGES],
            more=max(0, len(changes) - _MOST_CHANGES),
            back=None if back is None else back[:_MOST_CHANGES],
            more_back=max(0, len(back or ()) - _MOST_CHANGES),
            outcome=outcome,
            source=source,
        )

    async def _get(self, number: int) -> Release:
        return await self._publisher.call(partial(self._publisher.releases.store.get, number))

    async def _before(self, number: int) -> Release | None:
        """Return the release before one; None where there is none, or it is not kept any more."""
        store = self._publisher.releases.store
        found = await self._publisher.call(lambda: store.list(1, number))
        return await self._get(found[0].number) if found else None

    async def _changes(self, old: Table, new: Table) -> list[EntityChange]:
        """Compare on the store's thread: it may be thousands of entities."""
        return await self._publisher.call(lambda: entity_changes(old, new))


def _number(text: str) -> int:
    number = number_in(text)
    if number is None:
        raise NotFound(f"no release {text[:40]}")
    return number
