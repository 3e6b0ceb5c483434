# SPDX-License-Identifier: Apache-2.0
"""What is counted of one request, as a configuration's switches say; compiled."""

from __future__ import annotations

from typing import Final

from gateway.http.messages import Request, Response
from gateway.plugins.request_metrics import QUICK, QUICK_OWN, CallerCounts, RouteMetrics

_QUICK: Final = QUICK
_QUICK_OWN: Final = QUICK_OWN


class RequestCounting:
    """Counts requests under their routes, which keep what is counted."""

    __slots__ = ("_bandwidth", "_by_consumer", "_codes", "_latency")

    def __init__(self, codes: bool, bandwidth: bool, latency: bool, by_consumer: bool) -> None:
        self._codes = codes
        self._bandwidth = bandwidth
        self._latency = latency
        self._by_consumer = by_consumer

    def count(self, request: Request, response: Response) -> None:
        """Count a request that a route serves; others have no labels."""
        match = request.match
        if match is None:
            return
        metrics: RouteMetrics = match.data.metrics
        counts: CallerCounts = metrics.everybody
        if self._by_consumer and request.consumer is not None:
            counts = metrics.of_consumer(request.consumer)
        if self._codes:
            codes, status = counts.codes, response.status
            if not response.generated:
                status = -status
            codes[status] = codes.get(status, 0) + 1
        if self._bandwidth:
            counts.ingress += request.size
            counts.egress += request.sent
        if self._latency:
            _time(request, metrics)


def _time(request: Request, metrics: RouteMetrics) -> None:
    """Count the times of a request: what was waited for may be Kafka or an upstream."""
    received, since, trace = request.received, request.waiting_since, request.trace
    elapsed = request.ended - received
    own, waited = elapsed, -1.0
    if since is not None:
        own = since - received
        if own <= _QUICK_OWN and own <= elapsed <= _QUICK and (trace is None or not trace.sampled):
            # Nearly all that wait for Kafka.
            metrics.quick += 1
            metrics.quick_elapsed += elapsed
            metrics.quick_own += own
            return
        own = min(elapsed, own)
        waited = (elapsed - own) * 1000.0
    elif request.upstream_status is not None:
        own = max(0.0, request.upstream_sent - received)
        waited = float(request.upstream_ms)
    recorded = trace.id if trace is not None and trace.sampled else ""
    metrics.time(elapsed * 1000.0, own * 1000.0, waited, recorded)
