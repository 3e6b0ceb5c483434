# SPDX-License-Identifier: Apache-2.0
"""The spans of publishing: one for each call that makes a release, one for each data plane's push.

A call's span lasts until all has been said that it waits for; below it are those of the sessions
with data planes, and below these what data planes of ours record of their switch.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from gateway.control_plane.ownership import owner_of
from gateway.plugins.opentelemetry.process_spans import NO_SPANS, OpenSpan, ProcessSpans

if TYPE_CHECKING:
    from gateway.control_plane.releases import Result

P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S", bound="Publishing")

CALLER: ContextVar[str] = ContextVar("traceparent", default="")
"""The ``traceparent`` of the present call of the Admin API; empty where it sent none."""

_CURRENT: ContextVar[OpenSpan | None] = ContextVar("publish span", default=None)
_KEPT = 64
"""Releases written last whose trace is known to what pushes them."""
_MOST_OWNERS = 20
PUBLISH = "kafka_gateway.publish"


class Publishing:
    """What has its writes traced."""

    spans: PublishSpans


class PublishSpans:
    """Which trace each release belongs to. Lives on one event loop."""

    def __init__(self, spans: ProcessSpans = NO_SPANS) -> None:
        self.process = spans
        self._traces: dict[int, str] = {}

    def note(self, result: Result) -> None:
        """Take up the release that the present call has written."""
        span = _CURRENT.get()
        if span is None:
            return
        release = result.release
        span.attributes |= {
            "kafka_gateway.release.number": release.number,
            "kafka_gateway.release.hash": release.hash,
            "kafka_gateway.release.message": release.message,
            "kafka_gateway.release.unchanged": str(result.unchanged).lower(),
            "enduser.id": release.who,
        }
        owners = sorted({str(owner) for owner in map(owner_of, _changed(result)) if owner})
        span.attributes["kafka_gateway.release.owners"] = ",".join(owners[:_MOST_OWNERS])
        self._keep(release.number, span.traceparent)

    def follow(self, number: int, of: int) -> None:
        """Have a release belong to the trace of another: it takes that one back."""
        if of in self._traces:
            self._keep(number, self._traces[of])

    def traceparent_of(self, number: int) -> str:
        """Return what goes along with a release; empty where nothing is recorded."""
        return self._traces.get(number, "")

    def _keep(self, number: int, traceparent: str) -> None:
        self._traces[number] = traceparent
        while len(self._traces) > _KEPT:
            del self._traces[next(iter(self._traces))]


def traced(
    method: Callable[Concatenate[S, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Record a span for each call of a method that writes a release."""

    @wraps(method)
    async def recorded(self: S, /, *arguments: P.args, **named: P.kwargs) -> T:
        process = self.spans.process
        if not process.enabled:
            return await method(self, *arguments, **named)
        span = process.begin(PUBLISH, parent=CALLER.get())
        mark = _CURRENT.set(span)
        try:
            outcome = await method(self, *arguments, **named)
        except BaseException as error:
            span.end(str(error) or type(error).__name__)
            raise
        finally:
            _CURRENT.reset(mark)
        span.end(_refused(span, outcome))
        return outcome

    return recorded


def _changed(result: Result) -> list[Any]:
    return [change.after or change.before for change in result.delta.values()]


def _refused(span: OpenSpan, outcome: object) -> str:
    """Note what data planes said; return why one refused, empty where none did."""
    refusals = getattr(outcome, "refusals", ())
    back = getattr(outcome, "taken_back", None)
    verdicts = getattr(outcome, "verdicts", ())
    if verdicts:
        confirmed = sum(1 for one in verdicts if one.status == "confirmed")
        span.attributes["kafka_gateway.data_planes"] = len(verdicts)
        span.attributes["kafka_gateway.data_planes.confirmed"] = confirmed
    if back is not None:
        span.attributes["kafka_gateway.release.taken_back_by"] = back.number
    return f"{refusals[0].hostname}: {refusals[0].error}" if refusals else ""
