# SPDX-License-Identifier: Apache-2.0
"""Workers that hang: noticed, logged, ended and replaced; with stand-ins and on a whole node."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path

import pytest

from gateway.data_plane.counters import total
from tests.support.http import until
from tests.support.node import NodeProcess, running_node
from tests.support.supervision import FIRST, SECOND, served, supervising
from tests.support.traffic import get
from tests.support.waiting import PATIENCE, eventually


async def test_a_worker_that_does_not_respond_is_ended_and_replaced() -> None:
    async with supervising(FIRST, watchdog=2) as supervisor:
        hung, other = (worker.pid for worker in supervisor.workers)
        os.kill(hung, signal.SIGSTOP)
        await until(lambda: supervisor.ready == 1)
        await until(lambda: supervisor.restarts == 1 and supervisor.ready == 2)
        assert supervisor.watchdog.ended == 1
        pids = [worker.pid for worker in supervisor.workers]
        assert hung not in pids
        assert other in pids
        assert await served(supervisor) == {"first": 2}


async def test_the_log_says_which_worker_was_ended_and_why(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with supervising(FIRST, watchdog=2) as supervisor:
        os.kill(supervisor.workers[1].pid, signal.SIGSTOP)
        await until(lambda: supervisor.restarts == 1 and supervisor.ready == 2)
    assert [text for text in caplog.messages if "worker has not answered for" in text]


async def test_a_worker_that_hangs_does_not_count_as_serving_nor_holds_up_a_scrape() -> None:
    async with supervising(FIRST, watchdog=0.8) as supervisor:
        await supervisor.gather()
        hung = supervisor.workers[0]
        supervisor.init["watchdog"] = 0  # off: it is seen all the same, and left alone
        os.kill(hung.pid, signal.SIGSTOP)
        hung.silent = 100.0
        assert supervisor.ready == 1
        assert supervisor.watchdog.missing() == [hung]
        assert total(await supervisor.gather(30))["counters"] == {"served": 2}
        os.kill(hung.pid, signal.SIGCONT)
        await until(lambda: supervisor.ready == 2)
        assert (supervisor.watchdog.ended, supervisor.restarts) == (0, 0)


async def test_a_worker_that_responds_again_in_time_stays() -> None:
    async with supervising(FIRST, watchdog=30) as supervisor:
        pids = [worker.pid for worker in supervisor.workers]
        os.kill(pids[0], signal.SIGSTOP)
        supervisor.workers[0].check(0)
        supervisor.workers[0].check(29)
        await until(lambda: supervisor.ready == 1)
        os.kill(pids[0], signal.SIGCONT)
        await until(lambda: supervisor.ready == 2)
        assert [worker.pid for worker in supervisor.workers] == pids


async def test_a_release_that_comes_while_a_worker_hangs_is_served_by_its_successor() -> None:
    async with supervising(FIRST, watchdog=2) as supervisor:
        os.kill(supervisor.workers[0].pid, signal.SIGSTOP)
        await until(lambda: supervisor.restarts == 1 and supervisor.ready == 2)
        await supervisor.apply(SECOND, {})
        assert await served(supervisor) == {"second": 2}


# Nothing that a configuration may hold is known to hang a worker: patterns that backtrack are
# matched where Lua can be stopped. So that is taken away, and Lua's own hang as they used to.
WITHOUT_BOUNDS = """
import gateway.plugins.lua.sandbox

gateway.plugins.lua.sandbox._PATTERNS = b"return {}"
"""
HANGING = """
_format_version: "3.0"
services:
- name: closed
  url: http://127.0.0.1:1
  routes:
  - name: hang
    paths: [/hang]
    plugins:
    - name: kafka-upstream
      config:
        topic: orders
        bootstrap_servers: [{host: 127.0.0.1, port: 1}]
        message_by_lua_functions:
        - 'return function(message) return {x = ("a"):rep(90):find((".-"):rep(40) .. "b")} end'
"""


def test_a_worker_hung_in_a_lua_pattern_is_replaced_and_the_node_says_so(tmp_path: Path) -> None:
    (tmp_path / "kong.yml").write_text(HANGING)
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_BOUNDS)
    settings = {
        "PYTHONPATH": str(tmp_path),
        "KONG_DECLARATIVE_CONFIG": str(tmp_path / "kong.yml"),
        "KAFKA_GATEWAY_WORKER_WATCHDOG": "2s",
    }
    with running_node(tmp_path, **settings) as node:
        node.ready()
        before = node.workers()
        caller = threading.Thread(target=_call, args=(node,), daemon=True)
        caller.start()

        def says_so() -> bool:
            reply = get(node.status, "/status/ready")
            return reply.status == 503 and b"has not answered for" in reply.body

        eventually(says_so)
        eventually(lambda: set(node.workers()) != set(before) and len(node.workers()) == 2)
        node.ready()
        assert b"kafka_gateway_worker_hangs_total 1" in get(node.status, "/metrics").body
        (ended,) = [line for line in node.lines() if "has not answered" in line["event"]]
        assert ended["pid"] in before
        assert "produce/lua.py" in ended["doing"]
        caller.join(PATIENCE)
        assert not caller.is_alive()


def _call(node: NodeProcess) -> None:
    with suppress(OSError, HTTPException):  # its worker is ended: the connection breaks
        get(node.proxy, "/hang")
