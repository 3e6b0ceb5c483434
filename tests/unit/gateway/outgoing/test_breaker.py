# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.errors import OutgoingError
from gateway.outgoing.breaker import Breaker
from gateway.outgoing.client import Fetched


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


async def _ask(breaker: Breaker, status: int) -> str:
    async def fetch() -> Fetched:
        return Fetched(status, {}, b"{}", "here")

    try:
        return str(await breaker.ask(fetch, Fetched.json_object))
    except OutgoingError as error:
        return str(error)


async def test_a_request_that_is_refused_for_what_it_is_shuts_nobody_out() -> None:
    now = 0.0
    breaker = Breaker(clock=lambda: now)
    for status in (400, 413, 414, 422, 431):
        assert await _ask(breaker, status) == f"here: the response's status is {status}"
        assert await _ask(breaker, 200) == "{}"
    for status in (401, 404, 429, 500, 503):
        assert await _ask(breaker, status) == f"here: the response's status is {status}"
        assert await _ask(breaker, 200) == f"here: the response's status is {status}"
        now += 60
        assert await _ask(breaker, 200) == "{}"
