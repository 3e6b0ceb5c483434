# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable
from time import monotonic

import pytest

from gateway.tasks import BackgroundTasks, LastingTask, WorkSlices
from tests.support.waiting import PATIENCE


async def test_a_task_is_kept_until_it_ends() -> None:
    tasks, go, done = BackgroundTasks(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await go.wait()
        done.set()

    tasks.start(work())
    gc.collect()
    assert len(tasks) == 1
    go.set()
    await done.wait()
    await asyncio.sleep(0)
    assert len(tasks) == 0


async def test_all_tasks_can_be_waited_for() -> None:
    tasks, ended = BackgroundTasks(), []

    async def work(number: int) -> None:
        await asyncio.sleep(0)
        ended.append(number)

    await tasks.wait()
    for number in range(3):
        tasks.start(work(number))
    await tasks.wait()
    assert sorted(ended) == [0, 1, 2]


async def test_a_task_that_is_cancelled_is_kept_no_longer() -> None:
    tasks, cancelled = BackgroundTasks(), asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    cancel = tasks.start(work())
    await asyncio.sleep(0)
    cancel()
    await cancelled.wait()
    await asyncio.sleep(0)
    assert len(tasks) == 0


@pytest.mark.parametrize("all_at_once", [False, True])
async def test_what_a_task_was_to_await_is_begun_though_it_is_cancelled_at_once(
    all_at_once: bool,
) -> None:
    tasks, ended = BackgroundTasks(), asyncio.Event()

    async def inner() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def outer(waiting: Awaitable[None]) -> None:
        await waiting

    cancel = tasks.start(outer(inner()))
    if all_at_once:
        await tasks.end()
    else:
        cancel()
    # Else Python warns of a coroutine that nobody awaited, which is an error here.
    await asyncio.wait_for(ended.wait(), PATIENCE)


async def test_all_tasks_can_be_ended() -> None:
    tasks, cancelled = BackgroundTasks(), []

    async def work(number: int) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.append(number)

    for number in range(3):
        tasks.start(work(number))
    await asyncio.sleep(0)
    await tasks.end()
    assert sorted(cancelled) == [0, 1, 2]


async def test_a_lasting_task_has_ended_when_it_is_stopped() -> None:
    begun, ended = asyncio.Event(), []

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    task = LastingTask(work)
    assert await task.stop() is False
    task.start()
    await begun.wait()
    assert await task.stop() is True
    assert ended == [True]


async def test_a_lasting_task_that_has_failed_can_be_stopped() -> None:
    async def work() -> None:
        raise ValueError

    task = LastingTask(work)
    task.start()
    await asyncio.sleep(0)
    assert await task.stop() is True


async def test_others_get_their_turn_in_long_work() -> None:
    others = asyncio.Event()
    asyncio.get_running_loop().call_soon(others.set)
    turn, end = WorkSlices(), monotonic() + 30
    while not others.is_set() and monotonic() < end:
        await turn.give()
    assert others.is_set()
