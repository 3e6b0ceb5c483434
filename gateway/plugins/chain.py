# SPDX-License-Identifier: Apache-2.0
"""A route's handlers in their order, cut into phases once: a request runs only what is there.

A handler that responds ends the access phase; one that raises is a 500 with the request's id in
header and log, never a hole: the handlers after it do not run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import isawaitable
from time import monotonic
from typing import Any

from gateway.http.generated_responses import NO_SERVICE, error_response, failure_response
from gateway.http.log_ids import named
from gateway.http.messages import Pending, Request, Response
from gateway.http.response_stream import discard
from gateway.logs import get_logger
from gateway.plugins.base import AccessResult, Handler, Proceed
from gateway.plugins.conditions import Condition
from gateway.tasks import BackgroundTasks

_log = get_logger("gateway.plugins")
_RESPONSES = (Pending, Response)
_Caller = tuple[Any, Any]
_NOBODY = (None, None)
_tasks = BackgroundTasks()

Last = Callable[[Request], Response | Pending]
"""What responds when no handler did: the proxy of the route's service."""
Derive = Callable[[Request], "Chain"]
"""Request to the chain of this route for its consumer and the consumer's groups."""


def no_service(request: Request) -> Response:
    """Respond to a request for a route without a service, when no plugin did."""
    return error_response(503, NO_SERVICE, request)


Watch = Callable[[str, str | None], None]
"""Told of a handler by its name: None as it begins, then what it did."""


_PARTS = (
    "_access",
    "_derive",
    "_header_filters",
    "_last",
    "_order",
    "_wholes",
    "body_filters",
    "body_limit",
    "filters_responses",
    "logs",
    "logs_recorded_traces",
    "needs_body",
    "produces",
    "producing",
)
"""What a chain has; it is copied by name, since compiled classes have no ``copy``."""


class Chain:
    """Immutable. ``order`` holds (priority, name) of each handler, highest priority first.

    ``derive`` gives the chain for a consumer: when an access handler sets ``request.consumer`` or
    ``request.consumer_groups``, the rest of the phases run from there, beginning after the
    handler's place in the order. Another handler may do so again.
    """

    __slots__ = _PARTS

    def __init__(
        self,
        handlers: Sequence[Handler] = (),
        last: Last = no_service,
        *,
        order: Sequence[tuple[int, str]] = (),
        derive: Derive | None = None,
    ) -> None:
        places = list(order) or [(-index, "") for index in range(len(handlers))]
        logging = [handler for handler in handlers if _overrides(handler, "log")]
        self.logs = tuple(_phase_of(handler, "log") for handler in logging)
        self.logs_recorded_traces = all(handler.logs_recorded_traces for handler in logging)
        """Whether the log phase has nothing to do for a trace that is not recorded."""
        chosen = [
            (_access_of(handler, self), place)
            for handler, place in zip(handlers, places, strict=True)
            if _overrides(handler, "access") or handler.condition is not None
        ]
        self._access = tuple(access for access, _ in chosen)
        self._order = tuple(place for _, place in chosen)
        self._header_filters, self.body_filters, self._wholes = (
            tuple(_phase_of(handler, name) for handler in handlers if _overrides(handler, name))
            for name in ("header_filter", "body_filter", "whole_body")
        )
        self._last = last
        self._derive = derive
        producing = [handler for handler in handlers if handler.produces]
        self.produces = bool(producing)
        self.producing = producing[0] if len(producing) == 1 else None
        self.needs_body = any(handler.needs_body for handler in handlers)
        """Whether the body must be whole before ``run``."""
        limits = [h.body_limit for h in handlers if h.needs_body and h.body_limit > 0]
        self.body_limit = min(limits) if limits else 0
        """The smallest limit of the handlers that need a body; 0: the settings decide."""
        self.filters_responses = bool(self._header_filters or self.body_filters)

    def run(
        self, request: Request, start: int = 0, derive: Derive | None = None
    ) -> Response | Pending:
        """Run the access handlers, then ``last``. Exceptions become responses.

        ``derive`` is that of the chain from which this one was derived.
        """
        access = self._access
        derive = derive or self._derive
        try:
            if derive is not None:
                return self._run_deriving(request, start, derive)
            for handler in access[start:] if start else access:
                result = handler(request)
                if result is not None:
                    if isinstance(result, _RESPONSES):
                        return result
                    # Its place is looked for here: counting would cost every request.
                    index = access.index(handler, start)
                    return self._later(request, index, _NOBODY, result, None)
            last = self._last
            return last(request)
        except Exception as error:
            return failure(request, error)

    def _run_deriving(self, request: Request, start: int, derive: Derive) -> Response | Pending:
        """Run the handlers until one finds another consumer, then the chain for that one."""
        access = self._access
        for index in range(start, len(access)):
            before = request.consumer, request.consumer_groups
            result = access[index](request)
            if result is not None:
                if isinstance(result, _RESPONSES):
                    return result
                return self._later(request, index, before, result, derive)
            if _is_another(request, before):
                return self._switch(request, index, derive)
        return self._last(request)

    def _later(
        self,
        request: Request,
        index: int,
        before: _Caller,
        result: AccessResult,
        derive: Derive | None,
    ) -> Pending:
        """Wait for a handler in a task."""
        if not isawaitable(result):
            raise TypeError(f"access returned {type(result).__name__}, not a response")
        pending = Pending()
        waiting = self._wait(request, index, before, result, pending, derive)
        pending.on_abandon = _tasks.start(waiting)
        return pending

    async def _wait(
        self,
        request: Request,
        index: int,
        before: _Caller,
        result: Any,
        pending: Pending,
        derive: Derive | None,
    ) -> None:
        """Go on behind a handler that had to wait."""
        proceed: Proceed | None = None
        since = monotonic()
        try:
            response = await result
            if isinstance(response, Pending):
                response = await response
            elif isinstance(response, Proceed):
                proceed, response = response, None
        except Exception as error:
            response = failure(request, error)
        request.waits = (*request.waits, (self._order[index][1], since, monotonic()))
        if response is None:
            if derive is not None and _is_another(request, before):
                following = self._switch(request, index, derive)
            else:
                following = self.run(request, index + 1, derive)
            if proceed is not None:
                following = _passing(request, following, proceed)
            response = await following if isinstance(following, Pending) else following
        pending.resolve(response)

    def _switch(self, request: Request, index: int, derive: Derive) -> Response | Pending:
        """Go on with the consumer's chain, behind the handler that found the consumer."""
        try:
            chain = derive(request)
        except Exception as error:
            return failure(request, error)
        request.chain = chain
        place = self._order[index]
        start = sum(1 for other in chain._order if not _before(place, other))
        return chain.run(request, start, derive)

    def watched(self, watch: Watch) -> Chain:
        """Return the same chain with ``watch`` told of each access handler that has run."""
        made = Chain((), self._last)
        for name in _PARTS:
            setattr(made, name, getattr(self, name))
        made._access = tuple(
            _watched(access, name, watch)
            for access, (_, name) in zip(self._access, self._order, strict=True)
        )
        derive = self._derive
        if derive is not None:
            made._derive = lambda request: derive(request).watched(watch)
        return made

    def filter_head(self, request: Request, response: Response) -> None:
        """Run the header filters; they change ``response`` in place."""
        for header_filter in self._header_filters:
            header_filter(request, response)

    def whole_body(self, request: Request, response: Response) -> int:
        """Return the smallest of what body filters that want it whole take; 0: none does."""
        if not self._wholes:
            return 0
        limits = [limit for whole in self._wholes if (limit := whole(request, response)) > 0]
        return min(limits, default=0)

    def filter_body(self, request: Request, response: Response, chunk: bytes, last: bool) -> bytes:
        """Run a piece of the body through the body filters."""
        for body_filter in self.body_filters:
            chunk = body_filter(request, response, chunk, last)
        return chunk

    def log(self, request: Request, response: Response) -> None:
        """Run the log handlers; one that raises is logged and does not stop the others."""
        for handler in self.logs:
            try:
                handler(request, response)
            except Exception:
                _log.exception("log handler failed", **named(request))


def _access_of(handler: Handler, chain: Chain) -> Callable[[Request], AccessResult]:
    """Return the access phase of a handler, under its condition."""
    access: Callable[[Request], AccessResult] = handler.access
    if chain.logs and type(handler).produces:
        timed = _timed(access)
        access = _if_recorded(access, timed) if chain.logs_recorded_traces else timed
    if handler.condition is None:
        return access
    return _access_if(handler.condition, access if _overrides(handler, "access") else None)


def _access_if(
    condition: Condition, access: Callable[[Request], AccessResult] | None
) -> Callable[[Request], AccessResult]:
    """Return an access phase under a condition; only the condition where there is none."""

    def conditional(request: Request) -> AccessResult:
        return access(request) if condition.holds(request) and access is not None else None

    return conditional


def _phase_of(handler: Handler, name: str) -> Callable[..., Any]:
    """Return a later phase of a handler; under its condition, if it has one."""
    phase: Callable[..., Any] = getattr(handler, name)
    condition = handler.condition
    if condition is None:
        return phase

    def conditional(request: Request, response: Response, *more: Any) -> Any:
        if condition.still_holds(request):
            return phase(request, response, *more)
        return _SKIPPED[name](*more)

    return conditional


_SKIPPED: Mapping[str, Callable[..., Any]] = {
    "header_filter": lambda: None,
    "body_filter": lambda chunk, last: chunk,
    "whole_body": lambda: 0,
    "log": lambda: None,
}
"""What stands for a phase that is skipped."""


def _watched(
    access: Callable[[Request], AccessResult], name: str, watch: Watch
) -> Callable[[Request], AccessResult]:
    def watched(request: Request) -> AccessResult:
        watch(name, None)
        try:
            result = access(request)
        except Exception:
            watch(name, "failed")
            raise
        if isinstance(result, _RESPONSES) or result is None:
            watch(name, "passed" if result is None else "responds")
            return result
        return waiting(result)

    async def waiting(result: Any) -> Any:
        response = await result
        passes = response is None or isinstance(response, Proceed)
        watch(name, "passed" if passes else "responds")
        return response

    return watched


def _timed(access: Callable[[Request], AccessResult]) -> Callable[[Request], AccessResult]:
    """Return the access handler of a plugin that produces, which also notes when it waits."""

    def timed(request: Request) -> AccessResult:
        since = monotonic()
        result = access(request)
        if isinstance(result, Pending):
            request.waiting_since = since
        return result

    return timed


def _if_recorded(
    access: Callable[[Request], AccessResult], timed: Callable[[Request], AccessResult]
) -> Callable[[Request], AccessResult]:
    """Return the access handler where nothing is logged of a trace that is not recorded."""

    def chosen(request: Request) -> AccessResult:
        return timed(request) if request.passing is None else access(request)

    return chosen


def _is_another(request: Request, before: _Caller) -> bool:
    return request.consumer is not before[0] or request.consumer_groups is not before[1]


def failure(request: Request, error: Exception) -> Response:
    """Return the response to an exception of a handler: 500 and a log line, unless it says else."""
    return failure_response(error, request, _log, "plugin failed")


def _passing(request: Request, following: Response | Pending, proceed: Proceed) -> Pending:
    """Return the response as the handler that proceeded wants it."""
    pending = Pending()
    cancel = _tasks.start(_pass(request, following, proceed, pending))
    if not proceed.to_the_end:
        pending.on_abandon = cancel
    return pending


async def _pass(
    request: Request, following: Response | Pending, proceed: Proceed, pending: Pending
) -> None:
    try:
        response = await following if isinstance(following, Pending) else following
        response = await proceed.finish(response)
    except Exception as error:
        response = failure(request, error)
    if pending.abandoned:
        discard(response)
    pending.resolve(response)


def _before(place: tuple[int, str], other: tuple[int, str]) -> bool:
    """Whether ``other`` runs after ``place``: lower priority, or the same and a lesser name."""
    return other < place


def _overrides(handler: Handler, phase: str) -> bool:
    overridden = getattr(type(handler), phase) is not getattr(Handler, phase)
    return overridden and phase not in handler.skips
