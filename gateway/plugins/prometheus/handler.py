# SPDX-License-Identifier: Apache-2.0
"""Count a request when its response is out; the status API shows the sums of all workers."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import Any

from gateway.http.messages import Request, Response
from gateway.plugins.base import Handler, PluginContext
from gateway.plugins.request_metrics import RouteMetrics


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
        """Count a request that a route serves; others have no labels."""
        match = request.match
        if match is None:
            return
        metrics: RouteMetrics = match.data.metrics
        counts = metrics.everybody
        if self._by_consumer and request.consumer is not None:
            counts = metrics.caller(_name(request.consumer))
        if self._codes:
            status = response.status if response.generated else -response.status
            codes = counts.codes
            codes[status] = codes.get(status, 0) + 1
        if self._bandwidth:
            counts.ingress += request.size
            counts.egress += request.sent
        if self._latency:
            _time(metrics, request)


def _time(metrics: RouteMetrics, request: Request) -> None:
    """Count the times of a request; what was waited for may be an upstream or Kafka."""
    elapsed = own = (monotonic() - request.received) * 1000
    if request.upstream_status is not None:
        own = max(0.0, (request.upstream_sent - request.received) * 1000)
        metrics.upstream.observe(request.upstream_ms)
    elif request.waiting_since is not None:
        own = min(elapsed, (request.waiting_since - request.received) * 1000)
        metrics.upstream.observe(elapsed - own)
    metrics.gateway.observe(own)
    trace = request.trace
    if trace is None or not trace.sampled:
        metrics.elapsed.observe(elapsed)
    else:
        metrics.elapsed.observe_traced(elapsed, trace.id)


def _name(consumer: Mapping[str, Any]) -> str:
    return str(consumer.get("username") or consumer.get("custom_id") or consumer["id"])
