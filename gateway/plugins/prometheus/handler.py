# SPDX-License-Identifier: Apache-2.0
"""Count a request when its response is out; the status API shows the sums of all workers."""

from __future__ import annotations

from typing import Any

from gateway.http.messages import Request, Response
from gateway.plugins.base import Handler, PluginContext
from gateway.plugins.request_metrics import QUICK, QUICK_OWN, RouteMetrics


class Prometheus(Handler):
    """One configuration. What it counts belongs to the route, and outlives it."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self._codes: bool = config.status_code_metrics
        self._latency: bool = config.latency_metrics
        self._bandwidth: bool = config.bandwidth_metrics
        self._by_consumer: bool = config.per_consumer
        if not (self._codes or self._latency or self._bandwidth):
            self.skips = ("log",)

    def log(self, request: Request, response: Response) -> None:
        """Count a request that a route serves; others have no labels.

        Without calls where requests nearly always go: each would cost as much as all it counts.
        """
        match = request.match
        if match is None:
            return
        metrics: RouteMetrics = match.data.metrics
        counts, consumer = metrics.everybody, request.consumer
        if consumer is not None and self._by_consumer:
            known = metrics.consumers.get(consumer["id"])
            if known is not None and known[0] is consumer:
                counts = known[1]
            else:
                counts = metrics.of_consumer(consumer)
        if self._codes:
            codes, status = counts.codes, response.status
            if not response.generated:
                status = -status
            try:
                codes[status] += 1
            except KeyError:
                codes[status] = 1
        if self._bandwidth:
            counts.ingress += request.size
            counts.egress += request.sent
        if not self._latency:
            return
        received, since, trace = request.received, request.waiting_since, request.trace
        if since is not None and (trace is None or not trace.sampled):
            elapsed = request.ended - received
            own = since - received
            if own <= QUICK_OWN and own <= elapsed <= QUICK:
                metrics.quick += 1
                metrics.quick_elapsed += elapsed
                metrics.quick_own += own
                return
        _time(request, metrics)


def _time(request: Request, metrics: RouteMetrics) -> None:
    """Count the times of a request: what was waited for may be Kafka or an upstream."""
    received = request.received
    elapsed = own = (request.ended - received) * 1000
    waited = -1.0
    since = request.waiting_since
    if since is not None:
        own = min(elapsed, (since - received) * 1000)
        waited = elapsed - own
    elif request.upstream_status is not None:
        own = max(0.0, (request.upstream_sent - received) * 1000)
        waited = float(request.upstream_ms)
    trace = request.trace
    metrics.time(elapsed, own, waited, trace.id if trace is not None and trace.sampled else "")
