# SPDX-License-Identifier: Apache-2.0
"""A body under way: what is too slow."""

from __future__ import annotations

from gateway.http.incoming import Incoming
from tests.support.requests import request_of


def _incoming() -> Incoming:
    return Incoming(request_of(method=b"POST"), 1000, 1000, 1000, now=10.0)


def test_a_body_is_slow_only_over_the_whole_period() -> None:
    incoming = _incoming()
    incoming.size = 99
    assert not incoming.starves(14.9, rate=20, period=5)
    assert incoming.starves(15.0, rate=20, period=5)


def test_each_period_is_measured_by_itself() -> None:
    incoming = _incoming()
    incoming.size = 100
    assert not incoming.starves(15.0, rate=20, period=5)
    incoming.size = 150
    assert incoming.starves(20.0, rate=20, period=5)


def test_what_was_not_watched_does_not_count() -> None:
    incoming = _incoming()
    incoming.watch(100.0)
    assert not incoming.starves(101.0, rate=20, period=5)
    assert not incoming.starves(200.0, rate=0, period=5), "no rate, no limit"
