# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.data_plane.channel import Command
from gateway.data_plane.master.worker_process import WorkerProcess
from gateway.errors import WorkerGone
from tests.support.fake_worker import spawn
from tests.support.http import until
from tests.support.waiting import PATIENCE


@asynccontextmanager
async def worker() -> AsyncIterator[WorkerProcess]:
    """Run a fake worker; it is gone at the end."""
    exits: list[WorkerProcess] = []
    made = WorkerProcess(0, spawn(0), exits.append)
    try:
        await made.connect()
        yield made
    finally:
        made.kill()
        await asyncio.wait_for(made.exited.wait(), PATIENCE)
        assert exits == [made]


async def test_a_question_gets_its_response_and_a_report_is_kept() -> None:
    async with worker() as made:
        assert (await made.ask(Command.LISTEN)).data["ok"]
        reported = await made.ask(Command.STATS)
        assert reported.data["counters"] == {"served": 1}
        assert made.stats == reported.data


async def test_a_question_to_a_worker_that_ends_fails() -> None:
    async with worker() as made:
        asked = asyncio.ensure_future(made.ask(Command.PREPARE, {"hash": "h"}, b'{"die": true}'))
        with pytest.raises(WorkerGone, match="ended"):
            await asked
        assert made.code == -signal.SIGABRT
        with pytest.raises(WorkerGone, match="is not running"):
            await made.ask(Command.LISTEN)


async def test_a_question_to_a_worker_that_ended_before_it_was_reached_fails() -> None:
    made = WorkerProcess(0, spawn(0), lambda _: None)
    made.kill()
    await asyncio.wait_for(made.exited.wait(), PATIENCE)
    await made.connect()
    with pytest.raises(WorkerGone, match="is not running"):
        await made.ask(Command.LISTEN)


async def test_a_question_has_its_time() -> None:
    async with worker() as made:
        made.send(signal.SIGSTOP)
        with pytest.raises(TimeoutError):
            await made.ask(Command.LISTEN, within=0.05)


async def test_silence_is_counted_until_the_worker_responds() -> None:
    async with worker() as made:
        made.send(signal.SIGSTOP)
        made.check(1.0)
        assert made.silent == 0.0
        made.check(1.0)
        made.check(1.0)
        assert made.silent == 2.0
        made.send(signal.SIGCONT)
        await until(lambda: made.silent == 0.0)


async def test_memory_is_that_of_the_process_while_it_runs() -> None:
    async with worker() as made:
        await until(lambda: made.memory() > 1 << 20)
        made.kill()
        await asyncio.wait_for(made.exited.wait(), PATIENCE)
        assert made.memory() == 0
