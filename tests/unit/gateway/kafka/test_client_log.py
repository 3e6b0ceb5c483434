# SPDX-License-Identifier: Apache-2.0
"""librdkafka's log and lost records do not flood ours, and every lost record is counted."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import ProduceError
from gateway.kafka.client_log import INTERVAL, ClientLog

LATE = ProduceError("_MSG_TIMED_OUT", "timed out")


class Clock:
    """Time that passes when it is told to, with timers as the event loop's."""

    def __init__(self) -> None:
        self.now = 100.0
        self.timers: list[Timer] = []

    def later(self, pause: float, call: Callable[[], None]) -> Timer:
        timer = Timer(self, self.now + pause, call)
        self.timers.append(timer)
        return timer

    def tick(self, seconds: float = 0.0) -> None:
        self.now += seconds
        for timer in [one for one in self.timers if one.at <= self.now]:
            timer.cancel()
            timer.call()


class Timer:
    def __init__(self, clock: Clock, at: float, call: Callable[[], None]) -> None:
        self.clock, self.at, self.call = clock, at, call

    def cancel(self) -> None:
        if self in self.clock.timers:
            self.clock.timers.remove(self)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def client_log(clock: Clock) -> ClientLog:
    return ClientLog("b:1", clock.later, clock=lambda: clock.now)


def lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    # At any moment asyncio may tell of what the garbage collector found of another test.
    ours = [one for one in caplog.records if one.name == "gateway.kafka"]
    return [one.fields for one in ours]  # type: ignore[attr-defined]  # ours


def test_a_kind_is_logged_once_an_interval_with_how_many_were_left_out(
    caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    log = client_log(clock)
    with caplog.at_level(logging.WARNING):
        for _ in range(50):
            log.librdkafka(3, "FAIL", "connection refused")
        log.error("_RESOLVE", "no such host")
        assert len(lines(caplog)) == 2
        clock.tick(INTERVAL)
        log.librdkafka(3, "FAIL", "connection refused")
    assert len(lines(caplog)) == 3
    assert lines(caplog)[-1]["left_out"] == 49


def test_kinds_do_not_grow_without_end(caplog: pytest.LogCaptureFixture, clock: Clock) -> None:
    log = client_log(clock)
    with caplog.at_level(logging.WARNING):
        for number in range(1000):
            log.librdkafka(3, f"KIND{number}", "x")
            log.record("record lost", LATE, f"topic-{number}", "route", {"request_id": "id"})
        clock.tick()
    assert len(lines(caplog)) < 140
    assert sum(line.get("records", 0) for line in lines(caplog)) == 1000


def test_records_that_fail_together_make_one_line_that_says_why_and_whose(
    caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    log = client_log(clock)
    with caplog.at_level(logging.WARNING):
        for number in range(200):
            log.record("record lost", LATE, "t", "orders", {"request_id": f"id-{number}"})
        clock.tick()
    (line,) = lines(caplog)
    assert line["records"] == 200
    assert (line["reason"], line["detail"]) == ("_MSG_TIMED_OUT", "timed out")
    assert (line["topic"], line["route"], line["request_id"]) == ("t", "orders", "id-199")


def test_what_was_counted_is_written_at_the_end(
    caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    log = client_log(clock)
    with caplog.at_level(logging.WARNING):
        log.record("record lost", LATE)
        clock.tick()
        log.record("record lost", LATE)
        log.close()
        assert [line["records"] for line in lines(caplog)] == [1, 1]
    assert not clock.timers


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.one_of(st.tuples(st.sampled_from("abc"), st.integers(1, 50)), st.floats(0, 2 * INTERVAL))
    )
)
def test_every_record_is_counted_in_one_line_and_lines_of_a_kind_are_an_interval_apart(
    caplog: pytest.LogCaptureFixture, steps: list[tuple[str, int] | float]
) -> None:
    caplog.clear()
    clock, lost = Clock(), 0
    last: dict[str, float] = {}
    log = client_log(clock)
    with caplog.at_level(logging.WARNING):
        for step in steps:
            if isinstance(step, float):
                before = len(lines(caplog))
                clock.tick(step)
                for line in lines(caplog)[before:]:
                    assert clock.now - last.get(line["topic"], 0.0) >= INTERVAL
                    last[line["topic"]] = clock.now
            else:
                lost += step[1]
                for _ in range(step[1]):
                    log.record("record lost", LATE, step[0])
        log.close()
    assert sum(line["records"] for line in lines(caplog)) == lost
