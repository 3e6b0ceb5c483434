# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from gateway.http.messages import Pending, Response
from gateway.plugins.produce import turns
from gateway.plugins.produce.turns import TURN, Steps, in_turns
from tests.support.waiting import PATIENCE

DONE = Response(200, [])


def told(error: Exception) -> Response:
    return Response(500, [], str(error).encode())


def on_loop(job: Callable[[], Coroutine[Any, Any, None]]) -> None:
    uvloop.run(job())


class Event:
    """Something that a generator waits for."""

    def __init__(self) -> None:
        self.go_on: Callable[[], None] = lambda: None

    def then_go_on(self, go_on: Callable[[], None]) -> None:
        self.go_on = go_on


def long(count: int, done: Response | Pending = DONE) -> Steps:
    for _ in range(count):
        end = time.monotonic() + TURN
        while time.monotonic() < end:
            pass
        yield None
    return done


def test_what_is_short_is_answered_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # A busy machine may let it wait for longer than a turn lasts.
    monkeypatch.setattr(turns, "TURN", PATIENCE)

    def short() -> Steps:
        yield None
        return DONE

    async def job() -> None:
        assert in_turns(short(), told) is DONE

    on_loop(job)


def test_others_get_their_turn_in_between() -> None:
    async def job() -> None:
        order: list[int] = []
        loop = asyncio.get_running_loop()

        def other(number: int) -> None:
            order.append(number)
            loop.call_soon(other, number + 1)

        loop.call_soon(other, 0)
        answer = in_turns(long(5), told)
        assert isinstance(answer, Pending)
        assert await answer is DONE
        assert len(order) >= 5

    on_loop(job)


def test_an_answer_that_comes_later_is_waited_for() -> None:
    async def job() -> None:
        later = Pending()
        answer = in_turns(long(2, later), told)
        asyncio.get_running_loop().call_later(0.01, later.resolve, DONE)
        assert isinstance(answer, Pending)
        assert await answer is DONE

    on_loop(job)


def test_what_is_raised_is_told_in_the_first_turn_and_later() -> None:
    def failing(count: int) -> Steps:
        yield from long(count)
        raise ValueError("broken")

    async def job() -> None:
        first = in_turns(failing(0), told)
        assert isinstance(first, Response)
        assert first.body == b"broken"
        later = in_turns(failing(3), told)
        assert isinstance(later, Pending)
        assert (await later).body == b"broken"

    on_loop(job)


def test_work_that_waits_ends_when_its_client_goes_away() -> None:
    reached: list[str] = []
    event = Event()

    def waiting() -> Steps:
        yield event
        reached.append("behind")
        return DONE

    async def job() -> None:
        answer = in_turns(waiting(), told)
        assert isinstance(answer, Pending)
        answer.abandon()
        event.go_on()
        assert not reached

    on_loop(job)


def test_work_goes_on_when_what_it_waits_for_is_there() -> None:
    event = Event()

    def waiting() -> Steps:
        yield event
        return DONE

    async def job() -> None:
        answer = in_turns(waiting(), told)
        assert isinstance(answer, Pending)
        event.go_on()
        assert await answer is DONE

    on_loop(job)
