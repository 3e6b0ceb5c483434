# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.errors import OutgoingError
from gateway.outgoing.breaker import Breaker


def test_after_a_failure_one_attempt_is_made_after_each_pause() -> None:
    now = 0.0
    breaker = Breaker(1, 3, clock=lambda: now)
    attempts = []
    for tenth in range(120):
        now = tenth / 10
        try:
            breaker.enter()
        except OutgoingError as error:
            assert str(error) == "it is gone"
            continue
        attempts.append(now)
        breaker.failed("it is gone")
    assert attempts == [0.0, 1.0, 3.0, 6.0, 9.0]


def test_while_one_tries_the_others_do_not() -> None:
    now = 0.0
    breaker = Breaker(clock=lambda: now)
    breaker.failed("slow")
    now = 2.0
    breaker.enter()
    with pytest.raises(OutgoingError):
        breaker.enter()
    breaker.succeeded()
    for _ in range(3):
        breaker.enter()
