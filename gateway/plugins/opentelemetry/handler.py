# SPDX-License-Identifier: Apache-2.0
"""Continue or begin a request's trace before anything goes on, and record it at the end."""

from __future__ import annotations

from typing import Any

from gateway import native
from gateway.http import identity
from gateway.http.messages import Request, Response
from gateway.plugins.base import Handler, PluginContext
from gateway.plugins.opentelemetry.exporter import SpanExporter
from gateway.plugins.opentelemetry.passing import PassingTrace, passing_trace
from gateway.plugins.opentelemetry.propagation import Propagation
from gateway.plugins.opentelemetry.trace import Sampler, Trace

_USUAL_RATE = 0.01
_OWN = frozenset({b"traceparent"})
_W3C = ("w3c",)
_NONE = ()


class OpenTelemetry(Handler):
    """One configuration. What is not sampled costs ids and a header, and nothing at the end."""

    logs_recorded_traces = True

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        rate = _USUAL_RATE if config.sampling_rate is None else config.sampling_rate
        follows = config.sampling_strategy == "parent_probability_fallback"
        sampler = Sampler(rate, follows=follows)
        self._decides, self._keeps, self._last = sampler.decides, sampler.keeps, sampler.last
        self._propagation = propagation = Propagation(config)
        self._short = propagation.short
        self._before, self._behind = propagation.before, propagation.behind
        shown = config.http_response_header_for_traceid
        self._shown = b"" if shown is None else shown.encode()
        self._exporter = SpanExporter(config, context) if config.traces_endpoint else None
        skips = [] if self._shown else ["header_filter"]
        self.skips = skips if self._exporter else [*skips, "log"]

    def access(self, request: Request) -> None:
        """Put the context of this hop where the next one looks."""
        if not self._short:
            self._continue(request)
            return
        # Where no trace came: a request's id is as random as a trace's, and one id for both makes
        # logs and traces meet.
        given = (
            request.headers,
            self._before,
            self._behind,
            request.id,
            next(identity.ids),
            self._keeps,
            self._last,
        )
        passing = native.passing_trace(*given) or passing_trace(*given)
        if passing is None:
            self._continue(request)
            return
        request.headers, alone, continued = passing
        request.trace = trace = PassingTrace()
        trace.alone = alone
        trace.forms = _W3C if continued else _NONE
        others = request.own_headers
        request.own_headers = others | _OWN if others else _OWN

    def _continue(self, request: Request) -> None:
        """Go by what the request's headers and the settings say."""
        propagation = self._propagation
        form, parent = propagation.extract(request)
        number, ids = parent.trace or request.id, next(identity.ids)
        sampled = self._decides(number, parent.sampled)
        request.trace = trace = Trace(number, ids[:16], sampled)
        trace.parent = parent.span
        trace.forms = propagation.inject(request, trace, form, single=parent.single)
        if sampled:
            trace.root = ids[16:]

    def header_filter(self, request: Request, response: Response) -> None:
        """Show the trace's id; also where a plugin responded before ``access`` ran."""
        if request.trace is None:
            self.access(request)
        lower = self._shown.lower()
        response.headers = [pair for pair in response.headers if pair[0].lower() != lower]
        response.headers.append((self._shown, request.trace.number))

    def log(self, request: Request, response: Response) -> None:
        """Hand the spans of a sampled trace over; also where a plugin responded before."""
        if request.trace is None:
            self.access(request)
        if request.trace.sampled and self._exporter is not None:
            self._exporter.add(request, response)

    def close(self) -> None:
        """Send what waits."""
        if self._exporter is not None:
            self._exporter.close()
