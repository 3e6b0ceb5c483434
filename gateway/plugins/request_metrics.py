# SPDX-License-Identifier: Apache-2.0
"""What the plugin ``prometheus`` counts of requests: plain numbers, kept over snapshots.

No label comes from a client: services, routes and consumers are those of configurations, status
codes have three digits, and the rest is one of a few words.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Mapping
from time import time
from typing import Any, Final

import orjson

GATEWAY_BOUNDS = (1, 2, 5, 7, 10, 15, 20, 30, 50, 75, 100, 200, 500, 750, 1000, 3000, 6000)
"""Upper bounds in milliseconds of the time that the gateway takes itself; Kong's (exporter.lua)."""
WAIT_BOUNDS = (25, 50, 80, 100, 250, 400, 700, 1000, 2000, 5000, 10000, 30000, 60000)
"""Those of whole requests, and of the wait for upstreams."""
_GATEWAY_FIRST: Final = float(GATEWAY_BOUNDS[0])
_WAIT_FIRST: Final = float(WAIT_BOUNDS[0])
QUICK_OWN, QUICK = _GATEWAY_FIRST / 1000, _WAIT_FIRST / 1000
"""Seconds of the gateway's own and of all of a request whose times are in the first buckets."""

SEPARATOR = "\x1f"
"""Between service and route in the keys of a report: no name can hold it."""

_TOGETHER = 64
"""Routes that are reported in one go: about a millisecond."""

Exemplar = tuple[str, float, float]
"""Trace id, milliseconds, seconds since 1970."""


class Histogram:
    """Counts by upper bound; the last has none."""

    __slots__ = ("bounds", "counts", "exemplars", "sum")

    def __init__(self, bounds: tuple[int, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0
        self.exemplars: dict[int, Exemplar] = {}
        """The last traced request of each bucket."""

    def observe(self, milliseconds: float) -> int:
        """Count one; return the place of its bucket."""
        place = bisect_left(self.bounds, milliseconds)
        self.counts[place] += 1
        self.sum += milliseconds
        return place

    def observe_traced(self, milliseconds: float, trace: str) -> None:
        """Count one, and keep its trace as the example of its bucket."""
        self.exemplars[self.observe(milliseconds)] = (trace, milliseconds, time())


class CallerCounts:
    """The requests of one consumer on one route, or of all that are not told apart."""

    __slots__ = ("codes", "egress", "ingress")

    def __init__(self) -> None:
        self.codes: dict[int, int] = {}
        """Responses by status; those that came from an upstream under the negative status."""
        self.ingress = 0
        self.egress = 0


class RouteMetrics:
    """The requests of one route, as the plugin's switches have them counted."""

    __slots__ = (
        "callers",
        "consumers",
        "elapsed",
        "everybody",
        "gateway",
        "quick",
        "quick_elapsed",
        "quick_own",
        "upstream",
    )

    def __init__(self) -> None:
        self.everybody = CallerCounts()
        self.callers: dict[str, CallerCounts] = {"": self.everybody}
        self.consumers: dict[str, tuple[Mapping[str, Any], CallerCounts]] = {}
        """By consumer's id its row and its counts; see ``of_consumer``."""
        self.elapsed = Histogram(WAIT_BOUNDS)
        self.gateway = Histogram(GATEWAY_BOUNDS)
        self.upstream = Histogram(WAIT_BOUNDS)
        self.quick = 0
        """Requests that waited and are in no histogram yet: in each it is the first bucket."""
        self.quick_elapsed = self.quick_own = 0.0
        """Their times together, in seconds; what is not the gateway's own was waited for."""

    def caller(self, name: str) -> CallerCounts:
        """Return the counts of a consumer."""
        found = self.callers.get(name)
        if found is None:
            found = self.callers[name] = CallerCounts()
        return found

    def of_consumer(self, consumer: Mapping[str, Any]) -> CallerCounts:
        """Return the counts of a consumer by its row, found by its id as long as the row stays."""
        known = self.consumers.get(consumer["id"])
        if known is not None and known[0] is consumer:
            return known[1]
        name = consumer.get("username") or consumer.get("custom_id") or consumer["id"]
        found = self.caller(str(name))
        self.consumers[consumer["id"]] = consumer, found
        return found

    def time(self, elapsed: float, own: float, waited: float, trace: str) -> None:
        """Count the milliseconds of a request; ``waited`` < 0: for nobody; ``trace``: or empty.

        What ``Histogram.observe`` does, three times in one call, and without a search for the first
        bucket, where nearly all are.
        """
        gateway = self.gateway
        gateway.counts[0 if own <= _GATEWAY_FIRST else bisect_left(GATEWAY_BOUNDS, own)] += 1
        gateway.sum += own
        if waited >= 0:
            upstream = self.upstream
            upstream.counts[0 if waited <= _WAIT_FIRST else bisect_left(WAIT_BOUNDS, waited)] += 1
            upstream.sum += waited
        if trace:
            self.elapsed.observe_traced(elapsed, trace)
            return
        whole = self.elapsed
        whole.counts[0 if elapsed <= _WAIT_FIRST else bisect_left(WAIT_BOUNDS, elapsed)] += 1
        whole.sum += elapsed

    def settle(self) -> None:
        """Put the quick requests into the histograms."""
        number, self.quick = self.quick, 0
        elapsed, self.quick_elapsed = self.quick_elapsed * 1000, 0.0
        own, self.quick_own = self.quick_own * 1000, 0.0
        for histogram, together in (
            (self.elapsed, elapsed),
            (self.gateway, own),
            (self.upstream, elapsed - own),
        ):
            histogram.counts[0] += number
            histogram.sum += together

    @property
    def used(self) -> bool:
        """Whether anything was counted."""
        one = self.everybody
        timed = self.quick or self.elapsed.sum
        return len(self.callers) > 1 or bool(one.codes or one.ingress or timed)

    def report(self) -> dict[str, Any]:
        """Return the numbers as plain JSON, without what was never counted."""
        self.settle()
        callers = {
            name: {
                "codes": {str(code): number for code, number in one.codes.items()},
                "ingress": one.ingress,
                "egress": one.egress,
            }
            for name, one in self.callers.items()
            if one.codes or one.ingress
        }
        found: dict[str, Any] = {"callers": callers}
        for name in ("elapsed", "gateway", "upstream"):
            histogram: Histogram = getattr(self, name)
            if any(histogram.counts):
                found[name] = {"counts": histogram.counts, "sum": round(histogram.sum, 3)}
        return found


class RequestMetrics:
    """All routes of a worker."""

    def __init__(self) -> None:
        self._routes: dict[str, RouteMetrics] = {}

    def of(self, service: str, route: str) -> RouteMetrics:
        """Return what is counted of a route, the same after every release."""
        key = service + SEPARATOR + route
        found = self._routes.get(key)
        if found is None:
            found = self._routes[key] = RouteMetrics()
        return found

    def report(self) -> dict[str, Any]:
        """Return what was counted by ``service SEPARATOR route``."""
        return {key: route.report() for key, route in self._routes.items() if route.used}

    async def written(self) -> orjson.Fragment:
        """Return the same as JSON, made in pieces between which requests get their turn."""
        routes = list(self._routes.items())
        pieces = []
        for start in range(0, len(routes), _TOGETHER):
            some = routes[start : start + _TOGETHER]
            part = {key: route.report() for key, route in some if route.used}
            if part:
                pieces.append(orjson.dumps(part)[1:-1])
            if start:
                await asyncio.sleep(0)
        return orjson.Fragment(b"{" + b",".join(pieces) + b"}")

    def exemplars(self) -> dict[str, dict[str, Exemplar]]:
        """Return the traced requests by ``service SEPARATOR route`` and place of their bucket."""
        return {
            key: {str(place): found for place, found in route.elapsed.exemplars.items()}
            for key, route in self._routes.items()
            if route.elapsed.exemplars
        }
