# SPDX-License-Identifier: Apache-2.0
"""Server-sent events: which parts of the page are out of date, for those who look at them.

An event has a name and nothing else. The browser then asks for that part, as who it is signed in
as; so an event tells nobody what they may not see.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from gateway.control_plane.access.authentication import Authentication
from gateway.control_plane.access.identity import AdminIdentity
from gateway.control_plane.clustering.data_planes import DataPlanes
from gateway.control_plane.page.viewer import viewer_of
from gateway.control_plane.publisher import Publisher

_LOOK = 0.5
"""Seconds between two looks at what has changed, while somebody listens."""
_SIGN_OF_LIFE = 15.0
"""Seconds after which a comment is sent where nothing has changed."""
_MOST = 100
"""Streams at a time; above it 503, and the page asks again later."""

Edition = Callable[[], Hashable]
"""Returns something else after each change."""


class LiveEvents:
    """``/events``. ``editions`` says what there is to be told of, by the events' names."""

    def __init__(
        self, publisher: Publisher, data_planes: DataPlanes, authentication: Authentication
    ) -> None:
        self.editions: dict[str, Edition] = {
            "releases": lambda: None if publisher.newest is None else publisher.newest.number,
            "data-planes": lambda: _conditions(publisher, data_planes),
        }
        self._authentication = authentication
        self._stopping = asyncio.Event()
        self.open = 0
        """Streams that are open."""

    def routes(self) -> list[Route]:
        """Return all routes."""
        return [Route("/events", self.events, methods=["GET"])]

    def stop(self) -> None:
        """End all streams."""
        self._stopping.set()

    async def events(self, request: Request) -> Response:
        """Send the names of what changes, for as long as the browser listens."""
        if self.open >= _MOST:
            return Response("Too many listen", 503, {"Retry-After": "30"}, media_type="text/plain")
        viewer = viewer_of(request)
        assert viewer is not None
        return _EventStream(self, viewer)

    def goes_on(self, viewer: AdminIdentity) -> bool:
        """Tell whether somebody may still listen."""
        return not self._stopping.is_set() and self._authentication.is_valid(viewer)

    async def pause(self, left: asyncio.Task[None]) -> None:
        """Wait until the next look, the end of all streams, or the browser's leaving."""
        stopping = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait((stopping, left), timeout=_LOOK, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()

    def look(self) -> Mapping[str, Hashable]:
        """Return the editions of now."""
        return {name: edition() for name, edition in self.editions.items()}


class _EventStream(Response):
    """One browser's stream; not Starlette's, which leaves what makes pieces to the collector."""

    media_type = "text/event-stream"

    def __init__(self, events: LiveEvents, viewer: AdminIdentity) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._events = events
        self._viewer = viewer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the browser leaves, its token ends or the control plane stops."""
        left = asyncio.create_task(_left(receive))
        self._events.open += 1
        try:
            head = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
            await send(head)
            await self._talk(send, left)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._events.open -= 1
            left.cancel()

    async def _talk(self, send: Send, left: asyncio.Task[None]) -> None:
        events, known, quiet = self._events, self._events.look(), 0.0
        await _say(send, b"retry: 2000\nevent: ready\ndata:\n\n")
        while not left.done() and events.goes_on(self._viewer):
            await events.pause(left)
            found = events.look()
            changed = [name for name, edition in found.items() if known[name] != edition]
            known, quiet = found, 0.0 if changed else quiet + _LOOK
            if changed:
                await _say(send, b"".join(b"event: %b\ndata:\n\n" % n.encode() for n in changed))
            elif quiet >= _SIGN_OF_LIFE:
                quiet = 0.0
                await _say(send, b": still here\n\n")


async def _say(send: Send, piece: bytes) -> None:
    await send({"type": "http.response.body", "body": piece, "more_body": True})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _conditions(publisher: Publisher, data_planes: DataPlanes) -> Hashable:
    """Return what there is to see of data planes but for the time."""
    connected = frozenset(data_planes.connected())
    nodes = tuple((one.id, one.config_hash, one.sync_status) for one in data_planes)
    refusals = tuple((one.node, one.reason) for one in publisher.judge.refusals)
    return connected, nodes, refusals
