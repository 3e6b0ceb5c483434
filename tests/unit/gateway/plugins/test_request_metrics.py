# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import orjson

from gateway.plugins.request_metrics import SEPARATOR, WAIT_BOUNDS, Histogram, RequestMetrics

KEY = f"s{SEPARATOR}r"


def test_a_route_keeps_its_numbers_over_releases() -> None:
    metrics = RequestMetrics()
    assert metrics.of("s", "r") is metrics.of("s", "r")
    assert metrics.of("s", "r") is not metrics.of("s", "q")


def test_what_was_never_counted_is_left_out() -> None:
    metrics = RequestMetrics()
    route = metrics.of("s", "r")
    assert metrics.report() == {}
    route.caller("alice").codes[200] = 1
    assert metrics.report()[KEY] == {
        "callers": {"alice": {"codes": {"200": 1}, "ingress": 0, "egress": 0}}
    }


def test_a_bucket_holds_what_is_at_most_its_bound() -> None:
    histogram = Histogram((1, 10))
    for milliseconds in (0.5, 1, 1.5, 10, 10.5):
        histogram.observe(milliseconds)
    assert (histogram.counts, histogram.sum) == ([2, 2, 1], 23.5)


def test_the_last_traced_request_of_a_bucket_is_its_example() -> None:
    metrics = RequestMetrics()
    elapsed = metrics.of("s", "r").elapsed
    elapsed.observe_traced(90, "a" * 32)
    elapsed.observe_traced(95, "b" * 32)
    place = str(WAIT_BOUNDS.index(100))
    assert metrics.exemplars()[KEY][place][:2] == ("b" * 32, 95)
    assert elapsed.counts[WAIT_BOUNDS.index(100)] == 2


async def test_what_is_written_in_pieces_is_the_report() -> None:
    metrics = RequestMetrics()
    assert orjson.loads(orjson.dumps(await metrics.written())) == {}
    for place in range(200):
        route = metrics.of("s", f"r-{place}")
        if place % 3:
            route.everybody.codes[200] = place
    assert orjson.loads(orjson.dumps(await metrics.written())) == metrics.report()
