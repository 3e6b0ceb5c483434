# SPDX-License-Identifier: Apache-2.0
"""What a worker counts: plain numbers in plain lists, added to after each response."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import Any

from gateway.http.messages import Request, Response
from gateway.plugins.request_metrics import SEPARATOR

BUCKETS = (1, 2, 5, 10, 25, 50, 80, 100, 250, 500, 1000, 2000, 5000, 10000, 30000, 60000)
"""Upper bounds of the latency histograms in milliseconds; one more bucket has no bound."""
_BOUNDS = tuple(map(float, BUCKETS))
"""The same to be compared with times: floats with floats takes half as long."""


class RouteCounters:
    """The requests of one route, or of no route.

    With thousands of routes each object that a request touches is one that the processor does not
    have at hand. So what nearly all are, generated responses of one status within a millisecond,
    are one number, and its object is all that is touched beside the sums.
    """

    __slots__ = (
        "_at_once",
        "_codes",
        "_latency",
        "_usual",
        "elapsed",
        "sent",
        "upstream",
        "waited",
    )

    def __init__(self) -> None:
        self._usual = 0
        """The status of the first generated response."""
        self._at_once = 0
        """Generated responses of that status within a millisecond; not in those below."""
        self._codes: dict[int, int] = {}
        self._latency = [0] * (len(BUCKETS) + 1)
        self.upstream = [0] * (len(BUCKETS) + 1)
        self.elapsed = 0.0
        self.waited = 0.0
        """Milliseconds waited for upstreams."""
        self.sent = 0
        """Bytes of responses, heads included."""

    @property
    def codes(self) -> dict[int, int]:
        """Responses by status; those that came from an upstream under the negative status."""
        codes = dict(self._codes)
        if self._at_once:
            codes[self._usual] = codes.get(self._usual, 0) + self._at_once
        return codes

    def count(self, request: Request, response: Response, written: int) -> None:
        """Count one response; the only part of the metrics that stands on the request path."""
        # With a float: CPython multiplies and compares numbers of one type in a shorter way.
        elapsed = (request.ended - request.received) * 1000.0
        self.elapsed += elapsed
        self.sent += written
        if response.status == self._usual and elapsed <= 1.0 and response.generated:
            self._at_once += 1
        else:
            self._count_other(request, response, elapsed)

    def _count_other(self, request: Request, response: Response, elapsed: float) -> None:
        status = response.status
        if not response.generated:
            status = -status
            self._count_upstream(request.upstream_ms)
        elif not self._usual:
            self._usual = status
        self._codes[status] = self._codes.get(status, 0) + 1
        self._latency[0 if elapsed <= 1.0 else bisect_left(_BOUNDS, elapsed)] += 1

    def report(self) -> dict[str, Any]:
        """Return the numbers as plain JSON."""
        first, *others = self._latency
        return {
            "codes": {str(status): number for status, number in self.codes.items()},
            "latency": [first + self._at_once, *others],
            "elapsed": self.elapsed,
            "upstream": self.upstream,
            "waited": self.waited,
            "sent": self.sent,
        }

    def _count_upstream(self, milliseconds: int) -> None:
        self.upstream[0 if milliseconds <= 1 else bisect_left(BUCKETS, milliseconds)] += 1
        self.waited += milliseconds


class Counters:
    """All counters of a worker, kept over releases."""

    def __init__(self) -> None:
        self.unmatched = RouteCounters()
        self._routes: dict[str, RouteCounters] = {}

    def of(self, service: str, route: str) -> RouteCounters:
        """Return the counters of a route, the same ones after every release."""
        key = service + SEPARATOR + route
        found = self._routes.get(key)
        if found is None:
            found = self._routes[key] = RouteCounters()
        return found

    def report(self) -> dict[str, Any]:
        """Return what was counted by ``service SEPARATOR route``, without unused routes."""
        used = {key: route.report() for key, route in self._routes.items() if route.codes}
        if self.unmatched.codes:
            used[SEPARATOR] = self.unmatched.report()
        return used


def summed(reports: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the counters and gauges of workers, added up; ended ones have no gauges."""
    found = list(reports)
    return {
        kind: total(report[kind] for report in found if kind in report)
        for kind in ("counters", "gauges")
    }


def total(reports: Iterable[Any]) -> Any:
    """Add reports up: numbers are added, maps and lists item by item."""
    result: Any = None
    for report in reports:
        result = _add(result, report)
    return {} if result is None else result


def _add(left: Any, right: Any) -> Any:
    if left is None:
        return right
    if isinstance(right, dict):
        return {
            **left,
            **{key: _add(left.get(key), value) for key, value in right.items()},
        }
    if isinstance(right, list):
        return [_add(a, b) for a, b in zip(left, right, strict=True)]
    return left + right
