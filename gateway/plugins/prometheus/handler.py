# SPDX-License-Identifier: Apache-2.0
"""Count a request when its response is out; the status API shows the sums of all workers."""

from __future__ import annotations

from typing import Any

from gateway.http.messages import Request, Response
from gateway.plugins.base import Handler, PluginContext
from gateway.plugins.prometheus.counting import RequestCounting


class Prometheus(Handler):
    """One configuration. What it counts belongs to the route, and outlives it."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        codes, latency = config.status_code_metrics, config.latency_metrics
        bandwidth = config.bandwidth_metrics
        self._counting = RequestCounting(codes, bandwidth, latency, config.per_consumer)
        # Compiled, and called as it is, without a Python function before it.
        self.log = self._counting.count  # type: ignore[method-assign]  # the same
        if not (codes or latency or bandwidth):
            self.skips = ("log",)

    def log(self, request: Request, response: Response) -> None:
        """Count a request that a route serves; others have no labels."""
        self._counting.count(request, response)
