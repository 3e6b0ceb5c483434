# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import pytest

from gateway.data_plane.counters import total
from gateway.data_plane.master import supervisor as module
from gateway.data_plane.master.node_release import make_release
from gateway.data_plane.master.supervisor import Supervisor
from gateway.data_plane.master.worker_process import WorkerProcess
from gateway.errors import ReleaseRefused
from gateway.plugins.node_store import NodeStore
from tests.support.balancing import target_rows, upstream_row
from tests.support.fake_worker import spawn
from tests.support.http import until
from tests.support.supervision import FIRST, SECOND, release, served, supervising
from tests.support.waiting import PATIENCE


async def test_workers_serve_the_first_release_before_they_count_as_ready() -> None:
    async with supervising(FIRST) as supervisor:
        assert await served(supervisor) == {"first": 2}
        assert await supervisor.plugins() == {"fake": "1.0"}


async def test_without_a_release_workers_listen_all_the_same() -> None:
    async with supervising() as supervisor:
        assert await served(supervisor) == {"none": 2}


async def test_a_release_is_switched_on_all_workers() -> None:
    async with supervising(FIRST) as supervisor:
        await supervisor.apply(SECOND, {})
        assert await served(supervisor) == {"second": 2}
        assert supervisor.serving is SECOND


async def test_one_refusal_and_no_worker_switches() -> None:
    async with supervising(FIRST) as supervisor:
        with pytest.raises(ReleaseRefused, match="no such key"):
            await supervisor.apply(release("bad", refuse="no such key", only=1), {})
        assert await served(supervisor) == {"first": 2}
        assert supervisor.serving is FIRST


async def test_the_same_refusal_of_several_workers_is_reported_once() -> None:
    async with supervising(FIRST) as supervisor:
        with pytest.raises(ReleaseRefused) as caught:
            await supervisor.apply(release("bad", refuse="why"), {})
        assert caught.value.errors == ["why"]


async def test_a_worker_that_dies_compiling_refuses_and_comes_back_with_the_old_release() -> None:
    async with supervising(FIRST) as supervisor:
        with pytest.raises(ReleaseRefused, match="worker 0 ended while it compiled"):
            await supervisor.apply(release("bad", die=True, only=0), {})
        await until(lambda: supervisor.ready == 2)
        assert await served(supervisor) == {"first": 2}
        assert supervisor.restarts == 1


async def test_a_worker_that_hangs_compiling_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    async with supervising(FIRST) as supervisor:
        monkeypatch.setattr(module, "_PREPARE", 0.2)
        with pytest.raises(ReleaseRefused, match="did not compile the release"):
            await supervisor.apply(release("bad", hang=True, only=0), {})
        os.kill(supervisor.workers[0].pid, signal.SIGKILL)


async def test_a_killed_worker_comes_back_at_once_with_the_release_of_now() -> None:
    async with supervising(FIRST) as supervisor:
        await supervisor.apply(SECOND, {})
        before = {worker.pid for worker in supervisor.workers}
        os.kill(supervisor.workers[0].pid, signal.SIGKILL)
        await until(lambda: supervisor.restarts == 1 and supervisor.ready == 2)
        assert len(before & {worker.pid for worker in supervisor.workers}) == 1
        assert await served(supervisor) == {"second": 2}


async def test_what_a_dead_worker_had_counted_stays_counted() -> None:
    async with supervising(FIRST) as supervisor:
        assert total(await supervisor.gather())["counters"] == {"served": 2}
        os.kill(supervisor.workers[0].pid, signal.SIGKILL)
        await until(lambda: supervisor.restarts == 1 and supervisor.ready == 2)
        assert total(await supervisor.gather())["counters"] == {"served": 3}


async def test_a_stuck_worker_does_not_hang_a_scrape() -> None:
    async with supervising(FIRST) as supervisor:
        await supervisor.gather()
        stuck = supervisor.workers[0].pid
        os.kill(stuck, signal.SIGSTOP)
        started = asyncio.get_running_loop().time()
        assert total(await supervisor.gather(0.1))["counters"] == {"served": 2}
        assert asyncio.get_running_loop().time() - started < 30
        os.kill(stuck, signal.SIGCONT)


async def test_a_first_release_that_cannot_be_used_is_given_up_and_named() -> None:
    bad = release("bad", refuse="vault reference {vault://env/X} does not resolve")
    async with supervising(bad) as supervisor:
        assert supervisor.serving is None
        assert "{vault://env/X}" in supervisor.problem
        await supervisor.apply(FIRST, {})
        assert (supervisor.problem, await served(supervisor)) == ("", {"first": 2})


async def test_a_first_release_that_kills_workers_is_given_up() -> None:
    async with supervising(release("bad", die=True)) as supervisor:
        assert supervisor.serving is None
        assert "end while they compile" in supervisor.problem
        await supervisor.apply(FIRST, {})
        assert await served(supervisor) == {"first": 2}


async def test_workers_with_new_settings_take_the_places_of_the_old() -> None:
    async with supervising(FIRST) as supervisor:
        before = {worker.pid for worker in supervisor.workers}
        await supervisor.replace({"addresses": "", "drain": 1.0, "new": True})
        assert not before & {worker.pid for worker in supervisor.workers}
        assert await served(supervisor) == {"first": 2}
        assert supervisor.restarts == 0


async def test_a_worker_that_does_not_stop_is_ended() -> None:
    async with supervising(FIRST) as supervisor:
        os.kill(supervisor.workers[0].pid, signal.SIGSTOP)
        await supervisor.stop(0.1)
        assert all(worker.exited.is_set() for worker in supervisor.workers)


async def test_workers_that_were_not_led_anywhere_yet_hear_the_stop(
    capsys: pytest.CaptureFixture[str],
) -> None:
    supervisor = Supervisor([spawn(index) for index in range(2)], {}, spawn)
    await supervisor.stop(PATIENCE)
    assert [worker.code for worker in supervisor.workers] == [0, 0]
    assert "worker" not in "".join(capsys.readouterr())


@pytest.mark.parametrize("steps", [0, 1, 2, 4, 8])
async def test_a_stop_while_workers_start_ends_them_without_an_error(
    steps: int, capsys: pytest.CaptureFixture[str]
) -> None:
    async with supervising(FIRST, count=3, settled=False) as supervisor:
        for _ in range(steps):
            await asyncio.sleep(0)
        await supervisor.stop(PATIENCE)
        assert [worker.code for worker in supervisor.workers] == [0, 0, 0]
        assert not supervisor.problem
    assert "error" not in "".join(capsys.readouterr())


async def test_a_release_that_comes_while_workers_start_waits_for_them() -> None:
    async with supervising(FIRST, settled=False) as supervisor:
        await supervisor.apply(SECOND, {})
        assert await served(supervisor) == {"second": 2}


async def test_workers_share_the_store_that_the_master_made() -> None:
    store = NodeStore(max_bytes=1024)
    assert Supervisor([], {}, spawn, store).store is store


async def test_what_a_worker_reports_of_a_peer_is_told_to_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[tuple[int, dict[str, Any]]] = []
    row = upstream_row(healthchecks={"passive": {"unhealthy": {"timeouts": 1}}})
    table = {"upstreams": [row], "targets": target_rows(row, ["10.0.0.1:80"])}
    async with supervising(make_release(table, "first")) as supervisor:
        note = lambda worker, _, data: told.append((worker.index, data))  # noqa: E731
        monkeypatch.setattr(WorkerProcess, "tell", note)
        first = supervisor.workers[0]
        first.on_health([[row["id"], "10.0.0.1", "10.0.0.1", 80, "timeout"]])
        state = ["10.0.0.1", "10.0.0.1", 80, "unhealthy"]
        assert told == [(0, {"upstreams": {row["id"]: [state]}}), (1, told[0][1])]
        assert supervisor.health.states() == told[0][1]["upstreams"]
        monkeypatch.undo()
