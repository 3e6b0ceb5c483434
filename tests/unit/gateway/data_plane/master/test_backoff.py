# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from gateway.data_plane.master.backoff import Backoff


def test_the_first_start_again_is_at_once_and_the_next_ones_wait_longer() -> None:
    backoff = Backoff()
    assert [backoff.delay(lived=1.0) for _ in range(5)] == [0.0, 0.25, 0.5, 1.0, 2.0]


def test_the_wait_has_a_limit() -> None:
    backoff = Backoff()
    assert max(backoff.delay(lived=0.0) for _ in range(100)) == 30.0


def test_who_lived_long_starts_again_at_once() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.delay(lived=0.0)
    assert backoff.delay(lived=60.0) == 0.0
