# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from gateway.plugins.basic_auth.brute_force import BruteForceGuard
from gateway.plugins.shared_counters import SharedCounters

DAY = 86400 * 40000.0


def test_each_failure_from_the_third_on_doubles_the_wait_up_to_an_hour() -> None:
    guard = BruteForceGuard("scope", SharedCounters())
    waits = [guard.failed("bob", DAY + 1) for _ in range(14)]
    assert waits == [0, 0, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600, 3600]


def test_the_wait_ends_and_the_count_stays_until_the_day_does() -> None:
    guard = BruteForceGuard("scope", SharedCounters())
    for _ in range(3):
        guard.failed("bob", DAY + 100.5)
    assert guard.wait("bob", DAY + 100.5) == 8
    assert guard.wait("bob", DAY + 107) == 1
    assert guard.wait("bob", DAY + 108) == 0
    assert guard.failed("bob", DAY + 108) == 16
    assert guard.wait("bob", DAY + 86400) == 0
    assert guard.failed("bob", DAY + 86400) == 0


def test_origins_do_not_share_a_count_and_workers_do() -> None:
    counters = SharedCounters()
    first, second = (BruteForceGuard("scope", counters) for _ in range(2))
    first.failed("bob", DAY)
    second.failed("bob", DAY)
    assert first.failed("ann", DAY) == 0
    assert second.failed("bob", DAY) == 8
    assert first.wait("bob", DAY) == 8
