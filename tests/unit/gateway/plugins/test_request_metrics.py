# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import orjson
import pytest

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


@pytest.mark.parametrize(
    ("waited", "trace"), [(-1.0, ""), (0.0, ""), (25.0, "a" * 32), (60001, "")]
)
def test_the_times_of_a_request_are_observed_each_in_its_histogram(
    waited: float, trace: str
) -> None:
    metrics = RequestMetrics()
    route = metrics.of("s", "r")
    route.time(30.0, 5.0, waited, trace)
    for histogram, time in ((route.elapsed, 30.0), (route.gateway, 5.0), (route.upstream, waited)):
        expected = Histogram(histogram.bounds)
        if time >= 0:
            expected.observe(time)
        assert (histogram.counts, histogram.sum) == (expected.counts, expected.sum)
    assert bool(route.elapsed.exemplars) is bool(trace)


def test_a_consumer_is_counted_under_the_name_of_its_present_row() -> None:
    route = RequestMetrics().of("s", "r")
    row = {"id": "c-1", "username": "ann"}
    ann = route.of_consumer(row)
    assert route.of_consumer(row) is ann is route.callers["ann"]
    renamed = {"id": "c-1", "username": "eve"}
    assert route.of_consumer(renamed) is route.callers["eve"] is not ann
    assert route.of_consumer({"id": "c-2", "custom_id": "7"}) is route.callers["7"]
    assert route.of_consumer({"id": "c-3"}) is route.callers["c-3"]
