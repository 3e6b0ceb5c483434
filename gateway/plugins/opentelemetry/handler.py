# SPDX-License-Identifier: Apache-2.0
"""Continue or begin a request's trace before anything goes on, and record it at the end."""

from __future__ import annotations

import re
from typing import Any

from gateway.http.headers import Headers
from gateway.http.identity import next_id
from gateway.http.messages import Request, Response
from gateway.plugins.base import Handler, PluginContext
from gateway.plugins.opentelemetry.exporter import SpanExporter
from gateway.plugins.opentelemetry.propagation import Propagation
from gateway.plugins.opentelemetry.trace import Sampler, Trace

_USUAL_RATE = 0.01
_OWN = frozenset({b"traceparent"})
_W3C = ("w3c",)
_usual = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]([0-9a-f])").fullmatch
_SAMPLED = frozenset(b"%x" % digit for digit in range(1, 16, 2))
"""The last digit of flags whose lowest bit is set."""
_NO_TRACE, _NO_SPAN = b"0" * 32, b"0" * 16
_BEGIN, _DASH, _YES, _NO = b"00-", b"-", b"-01", b"-00"


class OpenTelemetry(Handler):
    """One configuration. What is not sampled costs ids and a header, and nothing at the end."""

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        rate = _USUAL_RATE if config.sampling_rate is None else config.sampling_rate
        follows = config.sampling_strategy == "parent_probability_fallback"
        sampler = Sampler(rate, follows=follows)
        self._decides, self._top = sampler.decides, sampler.top
        self._propagation = Propagation(config)
        self._unusual = self._propagation.unusual
        self._reads_w3c = self._propagation.reads_w3c
        shown = config.http_response_header_for_traceid
        self._shown = b"" if shown is None else shown.encode()
        self._exporter = SpanExporter(config, context) if config.traces_endpoint else None
        skips = [] if self._shown else ["header_filter"]
        self.skips = skips if self._exporter else [*skips, "log"]

    def access(self, request: Request) -> None:
        """Put the context of this hop where the next one looks."""
        unusual = self._unusual
        if unusual is None:
            self._continue(request)
            return
        came: tuple[bytes, bytes] | None = None
        for pair in request.headers:
            if pair[0] in unusual:
                if pair[0] != b"traceparent" or came is not None:
                    self._continue(request)
                    return
                came = pair
        if came is not None:
            self._go_on(request, came)
            return
        # Nothing came: a request's id is as random as a trace's, and one id for both makes logs
        # and traces meet.
        number, ids = request.id, next_id()
        sampled = number[14:16] <= self._top and self._decides(number)
        trace = self._begin(request, [*request.headers], number, ids, sampled)
        if sampled:
            trace.forms = _W3C

    def _begin(
        self, request: Request, headers: Headers, number: bytes, ids: bytes, sampled: bool
    ) -> Trace:
        """Give the request its trace, whose only header goes on with these."""
        span = ids[:16]
        header = b"traceparent", _BEGIN + number + _DASH + span + (_YES if sampled else _NO)
        request.trace = trace = Trace(number, span, sampled, header)
        headers.append(header)
        request.headers = headers
        others = request.own_headers
        request.own_headers = others | _OWN if others else _OWN
        if sampled:
            trace.root = ids[16:]
        return trace

    def _go_on(self, request: Request, came: tuple[bytes, bytes]) -> None:
        """Go on with the caller's trace: what ``_continue`` does where nothing but this came."""
        match = _usual(came[1])
        if match is None or not self._reads_w3c:
            self._continue(request)
            return
        number, parent, flag = match.groups()
        if number == _NO_TRACE or parent == _NO_SPAN:
            self._continue(request)
            return
        headers = request.headers.copy()
        headers.remove(came)
        sampled = flag in _SAMPLED and self._decides(number, True)
        trace = self._begin(request, headers, number, next_id(), sampled)
        trace.parent = parent
        trace.forms = _W3C

    def _continue(self, request: Request) -> None:
        """Go by what the request's headers and the settings say."""
        propagation = self._propagation
        form, parent = propagation.extract(request)
        number, ids = parent.trace or request.id, next_id()
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
