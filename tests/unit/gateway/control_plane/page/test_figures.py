# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.control_plane.page.figures import TrafficFigures, shares
from gateway.control_plane.traffic import Traffic
from tests.support.reports import fill_an_hour, report, route, topic

NOW = 1_000_000.0


def traffic() -> Traffic:
    return Traffic(lambda: NOW)


def test_nothing_heard_is_nothing_told() -> None:
    figures = TrafficFigures(traffic())
    assert figures.of_route("shop", "orders") is None
    assert figures.all().p99 is None
    assert figures.busiest() == []
    assert figures.topics() == []
    assert shares([]) == 0


def test_an_hour_is_told_in_rates_shares_and_latencies() -> None:
    kept = traffic()
    fill_an_hour(kept, NOW)
    figures = TrafficFigures(kept)
    assert [one.route for one in figures.busiest()] == ["orders", "payments", "audit-trail"]
    orders = figures.of_route("shop", "orders")
    assert orders is not None
    assert 30 < orders.rate < 100
    assert 0 < orders.refused < 0.02
    assert orders.p50 is not None
    assert orders.p99 is not None
    assert orders.p50 < 5 < orders.p99 <= 25
    assert [one.topic for one in figures.topics()] == ["orders", "payments", "audit"]
    assert 0 < shares(figures.topics()) < 0.01


def test_plots_have_a_point_for_each_whole_interval() -> None:
    kept = traffic()
    fill_an_hour(kept, NOW)
    points = TrafficFigures(kept).plots()
    assert points["start"] + 358 * points["step"] <= NOW
    assert all(len(line) == 359 for line in (*points["requests"], *points["latency"]))
    assert set(points["topics"]) == {"orders", "payments", "audit"}
    of_one = TrafficFigures(kept).plots(("shop", "orders"))
    assert "latency" not in of_one
    assert sum(of_one["requests"][0]) < sum(points["requests"][0])
    assert sum(map(sum, TrafficFigures(kept).plots(("shop", "none"))["requests"])) == 0


def test_rates_are_those_of_the_last_half_minute() -> None:
    now = [NOW]
    kept = Traffic(lambda: now[0])
    kept.take("a", report(route("orders", 30), topic("orders", 15, 15)))
    now[0] += 10
    assert TrafficFigures(kept).all().rate == 1.0
    (found,) = TrafficFigures(kept).topics()
    assert (found.rate, found.failures) == (0.5, 15)
    assert shares([found]) == pytest.approx(0.5)
    now[0] += 60
    assert TrafficFigures(kept).all().rate == 0
