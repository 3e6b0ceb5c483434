# SPDX-License-Identifier: Apache-2.0
"""Trying a request: a data plane serves it and tells what it did."""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.control_plane.admin.responses import SAFE
from gateway.control_plane.clustering.data_planes import DataPlanes
from gateway.control_plane.clustering.extensions import NodeExtensions
from gateway.control_plane.ownership import owner_of
from gateway.control_plane.page.view import View
from gateway.control_plane.page.viewer import demand, viewer_of
from gateway.control_plane.publisher import Publisher
from gateway.errors import ClusterError, RequestRejected
from gateway.hybrid.extensions import LONGEST_BODY, RequestTrace, TriedRequest

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_TARGET = re.compile(r"/[!-~]{0,4000}")
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}):[ \t]*([\t -~\x80-\uffff]{0,4000})")
_MOST_HEADERS = 50
_EMPTY = {"method": "POST", "path": "/", "headers": "", "body": "", "node": ""}
"""The fields of the form before anybody has filled it in."""
_MOST_SHOWN = 200
"""Policies and records of a trace that are shown; of more records it says how many."""
_LONGEST_RESPONSE = 4 * LONGEST_BODY
"""Bytes of a response that are shown; a data plane of ours sends no more."""
TRIED_BY = "X-Kafka-Gateway-Tried-By"
"""Says whose token the request is sent with: to upstreams, and to readers of records and logs."""
_OURS = frozenset(
    (
        "connection",
        "content-length",
        "transfer-encoding",
        "upgrade",
        "expect",
        TRIED_BY.lower(),
    )
)
"""Headers that say how a request is sent and by whom, which is not the form's business."""


class TryItPage:
    """``/try``, for those with the role ``write``."""

    def __init__(
        self,
        view: View,
        publisher: Publisher,
        data_planes: DataPlanes,
        extensions: NodeExtensions,
    ) -> None:
        self._view = view
        self._publisher = publisher
        self._data_planes = data_planes
        self._extensions = extensions

    def routes(self) -> list[Route]:
        """Return all routes."""
        return [Route("/try", self.try_it, methods=["GET", "POST"])]

    async def try_it(self, request: Request) -> Response:
        """Show the form; with one that was sent, what a data plane did with its request."""
        demand(request, "write")
        if request.method in SAFE:
            fields = {"path": request.query_params.get("path", "/")}
            return self._show(request, fields)
        fields = await self._view.form(request)
        try:
            wanted = self._as_of(request, read_request(fields))
            trace = await self._extensions.try_request(fields.get("node", ""), wanted)
        except (ClusterError, RequestRejected) as error:
            return self._show(request, fields, problem=str(error))
        return self._show(request, fields, trace=trace, problem=trace.error)

    def _as_of(self, request: Request, wanted: TriedRequest) -> TriedRequest:
        """Return a request that says who tries it, for the routes that these may change."""
        viewer = viewer_of(request)
        assert viewer is not None
        wanted.client = request.scope["client"][0]
        wanted.headers.append((TRIED_BY, viewer.name))
        if viewer.owners:
            routes = self._publisher.table.get("routes", ())
            wanted.routes = [row["id"] for row in routes if viewer.may_change(owner_of(row))]
        return wanted

    def _show(
        self,
        request: Request,
        fields: Mapping[str, str],
        *,
        trace: RequestTrace | None = None,
        problem: str = "",
    ) -> Response:
        nodes = [
            (one.id, one.hostname)
            for one in self._data_planes
            if (state := self._extensions.traffic.nodes.get(one.id)) and state.traces
        ]
        head, body = "", ""
        if trace is not None:
            head, _, body = (
                trace.response[:_LONGEST_RESPONSE].decode("utf-8", "replace").partition("\r\n\r\n")
            )
        return self._view.render(
            request,
            "try_it.html",
            nodes=nodes,
            methods=METHODS,
            fields={**_EMPTY, **fields},
            trace=trace,
            most=_MOST_SHOWN,
            problem=problem,
            head=head,
            body=body,
        )


def read_request(fields: Mapping[str, str]) -> TriedRequest:
    """Return the request of a form; raises ``RequestRejected`` where it is none."""
    method, target = fields.get("method", ""), fields.get("path", "")
    if method not in METHODS:
        raise RequestRejected(400, f"method: expected one of {', '.join(METHODS)}")
    if not _TARGET.fullmatch(target):
        raise RequestRejected(400, "path: expected one that begins with / and has no spaces")
    headers = []
    for line in fields.get("headers", "").splitlines():
        if not line.strip():
            continue
        found = _HEADER.fullmatch(line.strip())
        if found is None or found[1].lower() in _OURS:
            raise RequestRejected(400, f"headers: {line.strip()[:60]!r} cannot be sent")
        headers.append((found[1], found[2]))
    if len(headers) > _MOST_HEADERS:
        raise RequestRejected(400, f"headers: at most {_MOST_HEADERS} can be sent")
    body = fields.get("body", "").replace("\r\n", "\n").encode()
    if len(body) > LONGEST_BODY:
        raise RequestRejected(400, f"body: at most {LONGEST_BODY} bytes can be sent")
    return TriedRequest("", method, target, headers, body)
