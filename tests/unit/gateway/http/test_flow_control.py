# SPDX-License-Identifier: Apache-2.0
"""Pausing and going on, apart from a connection."""

from __future__ import annotations

import asyncio

from gateway.http.clock import Clock
from gateway.http.context import Context
from gateway.http.flow_control import PIPELINED, STREAM_FULL, FlowControl
from gateway.http.heads import HeadWriter
from gateway.http.limits import Limits
from tests.support.http import App, Plug


def controlled() -> tuple[FlowControl, Plug, list[bytes]]:
    """Return flow control, its transport, and the input that each going on found."""
    found: list[bytes] = []
    context = Context(App(), Limits(), HeadWriter(Clock()), asyncio.get_running_loop())
    flow = FlowControl(context, lambda: found.append(flow.take_input()))
    flow.transport = plug = Plug()
    return flow, plug, found


async def test_reading_goes_on_when_the_last_reason_has_gone() -> None:
    flow, plug, found = controlled()
    flow.pause(PIPELINED)
    flow.pause(STREAM_FULL)
    flow.input = b"rest"
    seen = []
    for reason in (PIPELINED, STREAM_FULL, STREAM_FULL):
        flow.resume(reason)
        seen.append((plug.reading, list(found)))
    assert seen == [(False, []), (True, [b"rest"]), (True, [b"rest"])]


async def test_a_client_that_does_not_read_is_not_read_from() -> None:
    flow, plug, _ = controlled()
    flow.pause_writing()
    waiting = asyncio.ensure_future(flow.drained())
    await asyncio.sleep(0)
    before = plug.reading, waiting.done()
    flow.resume_writing()
    await waiting
    assert (before, plug.reading) == ((False, False), True)
    await flow.drained()


async def test_a_writer_goes_on_when_the_connection_is_lost() -> None:
    flow, _, found = controlled()
    flow.pause_writing()
    waiting = asyncio.ensure_future(flow.drained())
    await asyncio.sleep(0)
    flow.connection_lost()
    await waiting
    await flow.drained()
    flow.resume_writing()
    assert found == [], "a lost connection is not read"


async def test_closed_input_is_dropped() -> None:
    flow, _, _ = controlled()
    flow.input = b"GET / HT"
    flow.close_input()
    assert flow.input_closed
    assert flow.take_input() == b""


async def test_a_client_is_stuck_when_it_takes_too_little_over_a_whole_period() -> None:
    flow, plug, _ = controlled()
    left = iter([1000, 900, 899, 700, 650])
    plug.get_write_buffer_size = lambda: next(left)  # type: ignore[method-assign]
    found = [flow.stuck(now, 10.0, 10) for now in (0.0, 5.0, 11.0, 22.0, 33.0)]
    assert found == [False, False, False, False, True]


async def test_what_a_client_takes_is_measured_anew_when_it_takes_enough_to_go_on() -> None:
    flow, plug, _ = controlled()
    left = iter([1000, 2000])
    plug.get_write_buffer_size = lambda: next(left)  # type: ignore[method-assign]
    flow.pause_writing()
    assert not flow.stuck(0.0, 10.0, 10)
    flow.resume_writing()
    flow.pause_writing()
    assert not flow.stuck(20.0, 10.0, 10)
