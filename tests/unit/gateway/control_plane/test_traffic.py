# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.control_plane.traffic import MOST_ROUTES, Ring, Traffic, percentile
from tests.support.reports import report, route, topic

NOW = 1_000_000.0


class Watch:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> float:
        return self.at


@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 100)), max_size=60))
def test_a_ring_has_what_was_added_within_its_time(events: list[tuple[int, int]]) -> None:
    ring, at = Ring(1, slots=36, width=10), NOW
    added: list[tuple[float, int]] = []
    for pause, amount in events:
        at += pause
        ring.add(at, (amount,))
        added.append((at, amount))
    end = at + 10
    oldest = (int(end // 10) - 35) * 10
    wanted = sum(amount for when, amount in added if oldest <= when < int(end // 10) * 10)
    assert ring.sums(end, 35)[0] == pytest.approx(wanted)


def test_what_took_long_is_spread_over_that_time() -> None:
    ring = Ring(1)
    ring.add(NOW, (60,), seconds=50)
    assert ring.column(0, NOW + 10, 7) == [0, 0, 12, 12, 12, 12, 12]


def test_an_outage_longer_than_the_ring_loses_nothing_and_breaks_nothing() -> None:
    ring = Ring(1, slots=6, width=10)
    ring.add(NOW, (12,), seconds=100_000)
    assert sum(ring.column(0, NOW + 10, 5)) == pytest.approx(10)


def test_reports_of_all_nodes_add_up() -> None:
    watch = Watch()
    traffic = Traffic(watch)
    for node in ("a", "b"):
        traffic.take(node, report(route("orders", 10, 1, 2), topic("orders", 7, 3)))
    watch.at += 10
    assert traffic.routes["shop", "orders"].counts.sums(watch.at, 3) == [20, 2, 4]
    assert traffic.all.counts.sums(watch.at, 3) == [20, 2, 4]
    assert traffic.topics["orders"].counts.sums(watch.at, 3) == [14, 1400, 6]
    assert set(traffic.nodes) == {"a", "b"}
    traffic.forget("a")
    assert set(traffic.nodes) == {"b"}


def test_memory_is_bounded_by_the_routes_heard_of_last() -> None:
    traffic = Traffic(Watch())
    for number in range(MOST_ROUTES + 5):
        traffic.take("a", report(route(f"r{number}", 1)))
    assert len(traffic.routes) == MOST_ROUTES
    assert ("shop", "r0") not in traffic.routes


def test_a_histogram_of_another_version_is_left_out() -> None:
    traffic = Traffic(Watch())
    odd = route("orders", 1)
    odd.latency = [1, 2]
    strange = topic("orders", 1)
    strange.latency = []
    traffic.take("a", report(odd, strange))
    assert not traffic.routes
    assert not traffic.topics


@pytest.mark.parametrize(
    ("counts", "share", "value"),
    [
        ([0, 0, 0], 0.5, None),
        ([10, 0, 0], 0.5, 5),
        ([0, 10, 0], 0.5, 15),
        ([5, 5, 0], 0.99, 19.8),
        ([0, 0, 4], 0.5, 20),
    ],
)
def test_a_percentile_is_read_from_buckets(
    counts: list[float], share: float, value: float | None
) -> None:
    assert percentile(counts, (10, 20), share) == (None if value is None else pytest.approx(value))


@given(st.lists(st.integers(0, 1000), min_size=4, max_size=4).filter(any))
def test_percentiles_are_in_order(counts: list[int]) -> None:
    found = [percentile(counts, (1, 5, 50), share) or 0.0 for share in (0.5, 0.9, 0.99, 1.0)]
    assert found == sorted(found)
    assert 0 <= found[0] <= 50


def test_a_report_is_not_spread_over_more_than_minutes() -> None:
    """Each of its numbers costs an addition for each interval: an hour of them took seconds."""
    watch = Watch()
    traffic = Traffic(watch)
    traffic.take("a", report(route("orders", 300), seconds=3600.0))
    watch.at += 10
    counts = traffic.routes["shop", "orders"].counts
    assert counts.sums(watch.at, 31)[0] == pytest.approx(300)
    assert sum(one > 0 for one in counts.column(0, watch.at, 359)) <= 31


def test_names_that_fill_the_memory_are_counted_and_not_kept() -> None:
    watch = Watch()
    traffic = Traffic(watch)
    long = "x" * 1_000_000
    made = report(route(long, 3), route("orders", 4), topic(long, 5), topic("orders", 6))
    made.version = long
    traffic.take("a", made)
    watch.at += 10
    assert list(traffic.routes) == [("shop", "orders")]
    assert list(traffic.topics) == ["orders"]
    assert traffic.all.counts.sums(watch.at, 3)[0] == 7
    assert len(traffic.nodes["a"].version) <= 1000
