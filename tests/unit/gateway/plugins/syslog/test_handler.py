# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from gateway.http.messages import Response
from gateway.kafka.pool import ProducerPool
from gateway.plugins.base import PluginContext
from gateway.plugins.logging.sinks import LogSinks
from gateway.plugins.syslog import handler
from gateway.plugins.syslog.handler import Syslog
from gateway.plugins.syslog.schema import Config
from tests.support.logging import responded, until
from tests.support.policies import policy_gateway
from tests.support.waiting import PATIENCE

_LINE = re.compile(rb"<(\d+)>([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d) kong\[\d+\]: (\{.*\})")


@pytest.fixture
def system_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The machine's log, in the place of the real one."""
    path = str(tmp_path / "log")
    monkeypatch.setattr(handler, "_SOCKETS", (path,))
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
        there.bind(path)
        there.settimeout(PATIENCE)
        yield there


def priorities(**config: str) -> list[int]:
    """Return the priorities of what is written for a 200, a 404 and a 500; 0: it is not."""
    sinks = LogSinks()
    context = PluginContext(ProducerPool(asyncio.get_running_loop()), lambda _: None, logs=sinks)
    subject = Syslog(Config.model_validate(config), context)
    found: list[bytes] = []
    subject.add = found.append
    written = []
    for status in (200, 404, 500):
        found.clear()
        subject.log(responded(), Response(status, []))
        match = _LINE.fullmatch(found[0]) if found else None
        written.append(int(match[1]) if match else 0)
    return written


async def test_an_entry_is_written_as_programs_of_the_machine_do(system_log: socket.socket) -> None:
    sinks = LogSinks()
    async with policy_gateway(("syslog", {"facility": "local0"}), logs=sinks) as gateway:
        await gateway.ask("/a")
        await until(lambda: sinks.counts.report()["sent"] == {"syslog": 1})
        match = _LINE.fullmatch(system_log.recv(1 << 16))
        assert match is not None
        assert int(match[1]) == 16 * 8 + 6
        assert orjson.loads(match[3])["request"]["uri"] == "/a"
    await sinks.close(1)


async def test_the_severity_depends_on_the_status() -> None:
    severities = {
        "successful_severity": "notice",
        "client_errors_severity": "warning",
        "server_errors_severity": "crit",
    }
    assert priorities(**severities) == [13, 12, 10]
    assert priorities(**severities, facility="kern") == [5, 4, 2]


async def test_what_is_less_important_than_the_level_is_not_written() -> None:
    severities = {"client_errors_severity": "info", "server_errors_severity": "err"}
    assert priorities(log_level="notice", **severities) == [0, 0, 11]
    assert priorities(log_level="debug", successful_severity="debug") == [15, 14, 14]
    assert priorities(log_level="err") == [0, 0, 0]


async def test_udp_stands_in_where_the_machine_has_no_socket(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there:
        there.bind(("127.0.0.1", 0))
        there.settimeout(PATIENCE)
        monkeypatch.setattr(handler, "_SOCKETS", ())
        monkeypatch.setattr(handler, "_ELSEWHERE", there.getsockname())
        sinks = LogSinks()
        async with policy_gateway(("syslog", {}), logs=sinks) as gateway:
            await gateway.ask("/a")
            await until(lambda: sinks.counts.report()["sent"] == {"syslog": 1})
            assert _LINE.fullmatch(there.recv(1 << 16))
        await sinks.close(1)
