# SPDX-License-Identifier: Apache-2.0
"""What a worker does with a request: route it, run the route's chain, count it.

The way is straight: ``begin`` finds the route's plan, which was computed when the snapshot was
compiled; the server runs its chain; ``finished`` counts and logs.
"""

from __future__ import annotations

from gateway.data_plane.counters import Counters
from gateway.data_plane.worker.access_log import AccessLog
from gateway.data_plane.worker.compile import RoutePlan
from gateway.data_plane.worker.snapshot import Snapshot
from gateway.http.generated_responses import HIDDEN_DOTS, NO_ROUTE, error_response, fixed_response
from gateway.http.messages import Pending, Request, Response
from gateway.routing.protocols import Mismatch, protocol_mismatch
from gateway.routing.router import REFUSED


class GatewayApplication:
    """Serves the current snapshot; ``serve`` puts another in its place."""

    __slots__ = ("_access_log", "_look_up", "_unmatched", "counters", "snapshot")

    def __init__(self, counters: Counters, access_log: AccessLog | None = None) -> None:
        self.counters = counters
        self._unmatched = counters.unmatched
        self._access_log = access_log
        self.serve(Snapshot.empty())

    def serve(self, snapshot: Snapshot) -> None:
        """Serve this snapshot from the next request on; requests under way finish on theirs."""
        self.snapshot = snapshot
        self._look_up = snapshot.router.look_up

    def begin(self, request: Request) -> int | Response:
        """Find the route; see ``gateway.http.application``."""
        # What a slot holds is called by way of a name: CPython 3.11 has no short way to look up
        # and call it at once. So it is in all that each request passes.
        look_up = self._look_up
        match = look_up(request)
        if match is None:
            return fixed_response(404, NO_ROUTE, request)
        if match is REFUSED:
            return fixed_response(400, HIDDEN_DOTS, request)
        request.match = match
        plan: RoutePlan = match.data
        if match.checks_protocol:
            mismatch = protocol_mismatch(match.route, request)
            if mismatch is not None:
                return _mismatch_answer(mismatch, request)
        request.chain = plan.chain
        return plan.body

    def handle(self, request: Request) -> Response | Pending:
        """Run the route's chain, as the server does by itself where ``begin`` has set one."""
        chain = request.chain
        assert chain is not None
        return chain.run(request)

    def finished(self, request: Request, response: Response, written: int) -> None:
        """Count, run the log phase, write the access log."""
        match = request.match
        counters = self._unmatched if match is None else match.data.counters
        counters.count(request, response, written)
        chain = request.chain
        if chain is None:
            # Refused before its plugins ran: no route, another protocol, a head that is none.
            chain = self.snapshot.unmatched if match is None else match.data.chain
        # Before the call: most traces are not recorded.
        if chain.logs and (request.passing is None or not chain.logs_recorded_traces):
            request.sent = written
            chain.log(request, response)
        if self._access_log is not None:
            self._access_log.add(request, response, written)


def _mismatch_answer(mismatch: Mismatch, request: Request) -> Response:
    headers = [(name.title(), value) for name, value in mismatch.headers]
    if mismatch.message is None:
        return Response(mismatch.status, headers)
    return error_response(mismatch.status, mismatch.message, request, headers)
