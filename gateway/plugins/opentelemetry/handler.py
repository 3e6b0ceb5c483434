# SPDX-License-Identifier: Apache-2.0
"""Continue or begin a request's trace before anything goes on, and record it at the end."""

from __future__ import annotations

from typing import Any

from gateway.http import identity
from gateway.http.messages import Request, Response
from gateway.plugins.base import Handler, PluginContext
from gateway.plugins.opentelemetry.exporter import SpanExporter
from gateway.plugins.opentelemetry.formats import write_w3c
from gateway.plugins.opentelemetry.passing import PassingTraces
from gateway.plugins.opentelemetry.propagation import Propagation
from gateway.plugins.opentelemetry.trace import Sampler, Trace

_USUAL_RATE = 0.01
_NAME = b"traceparent"
_OWN = frozenset({_NAME})
_W3C = ("w3c",)


class OpenTelemetry(Handler):
    """One configuration. What is not recorded costs a look at the headers, and nothing else."""

    logs_recorded_traces = True

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        rate = _USUAL_RATE if config.sampling_rate is None else config.sampling_rate
        follows = config.sampling_strategy == "parent_probability_fallback"
        sampler = Sampler(rate, follows=follows)
        self._decides = sampler.decides
        self._propagation = propagation = Propagation(config)
        names = propagation.before, propagation.behind
        ways = self._record, self._continue
        passing = PassingTraces(*names, sampler.keeps, sampler.last, *ways)
        if propagation.short:
            # Compiled, and called as it is, without a Python function before it.
            self.access = passing.take  # type: ignore[method-assign]  # of this configuration
        shown = config.http_response_header_for_traceid
        self._shown = b"" if shown is None else shown.encode()
        self._exporter = SpanExporter(config, context) if config.traces_endpoint else None
        skips = [] if self._shown else ["header_filter"]
        self.skips = skips if self._exporter else [*skips, "log"]

    def access(self, request: Request) -> None:
        """Put the context of this hop where the next one looks."""
        self._continue(request)

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
        else:
            request.passing = ()

    def _record(self, request: Request, came: bytes) -> None:
        """Go on with a trace that the caller records, and of which one ``traceparent`` came.

        What ``_continue`` does then, without a look for anything else.
        """
        ids = next(identity.ids)
        request.trace = trace = Trace(came[3:35], ids[:16], True)
        trace.parent, trace.root, trace.forms = came[36:52], ids[16:], _W3C
        trace.injected = written = write_w3c(trace)
        request.headers = [pair for pair in request.headers if pair[0] != _NAME] + written
        request.own_headers |= _OWN

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
        # It knows this handler: without that it would be a cycle.
        vars(self).pop("access", None)
        if self._exporter is not None:
            self._exporter.close()
