# SPDX-License-Identifier: Apache-2.0
"""``kafka-gateway top`` on a whole node with traffic: once, line by line, and on a terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gateway.commands.command_line import application
from tests.support.node import NodeProcess, running_node
from tests.support.waiting import PATIENCE, eventually

ROUTES = """
_format_version: "3.0"
services:
- name: shop
  url: http://127.0.0.1:1
  retries: 0
  routes:
  - name: orders
    paths: [/orders]
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    folder = tmp_path_factory.mktemp("top")
    (folder / "kong.yml").write_text(ROUTES)
    with running_node(folder, KONG_DECLARATIVE_CONFIG=str(folder / "kong.yml")) as running:
        yield running.ready()


@contextmanager
def traffic(node: NodeProcess) -> Iterator[None]:
    """Send requests, one after the other, while the block runs."""
    stop = threading.Event()

    def send() -> None:
        while not stop.is_set():
            node.get("/orders")
            node.get("/none")

    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield
    finally:
        stop.set()
        sender.join()


def top(*arguments: str) -> Result:
    return CliRunner().invoke(application(), ["top", *arguments])


def looked(node: NodeProcess, *arguments: str) -> str:
    """Look once, again until both routes had requests meanwhile; return what is printed."""

    def look() -> str:
        result = top("--url", f"http://127.0.0.1:{node.status}", "--once", *arguments)
        assert result.exit_code == 0, result.output
        both = "shop / orders" in result.stdout and "(no route)" in result.stdout
        return result.stdout if both else ""

    with traffic(node):
        return eventually(look)


def test_one_look_has_every_route_with_its_failures_and_times(node: NodeProcess) -> None:
    found = json.loads(looked(node, "--json"))
    orders, none = sorted(found["routes"], key=lambda row: row["name"], reverse=True)
    assert (orders["name"], none["name"]) == ("shop / orders", "(no route)")
    assert orders["requests"] == orders["failures"] > 0, "502: the service behind is closed"
    assert none["requests"] == none["refused"] > 0
    assert 0 <= orders["p50"] <= orders["p99"]
    assert (found["workers"], found["ready"]) == (2, 2)
    assert found["seconds"] >= 0.9


def test_a_table_for_people_without_a_terminal_has_no_escapes(node: NodeProcess) -> None:
    shown = looked(node, "--interval", "0.3")
    assert "\x1b" not in shown
    lines = shown.splitlines()
    assert "workers 2/2" in lines[0]
    assert any(line.startswith("route") and "p99 ms" in line for line in lines)
    assert any(line.startswith("shop / orders") for line in lines)


def test_a_data_plane_that_is_not_there_is_an_error_once(tmp_path: Path) -> None:
    result = top("--url", "http://127.0.0.1:1", "--once")
    assert result.exit_code == 1
    assert "127.0.0.1:1 does not answer" in result.stderr


def test_other_servers_are_told_from_a_gateway(node: NodeProcess) -> None:
    result = top("--url", f"http://127.0.0.1:{node.proxy}", "--once")
    assert result.exit_code == 1
    assert "/traffic: 404" in result.stderr


def test_on_a_terminal_it_draws_sorts_by_key_and_ends_by_q(node: NodeProcess) -> None:
    terminal, end = pty.openpty()
    arguments = ["--url", f"http://127.0.0.1:{node.status}", "--interval", "0.2"]
    with traffic(node):
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway.cli", "top", *arguments],
            stdin=end,
            stdout=end,
            stderr=end,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "110", "LINES": "30"},
        )
        os.close(end)
        try:
            seen = _read(terminal, "shop / orders")
            assert "sorted by requests" in seen
            os.write(terminal, b"s")
            _read(terminal, "sorted by failures")
            os.write(terminal, b"q")
            _read(terminal, "\x1b[?1049l")
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
            process.wait()
            os.close(terminal)


def _read(terminal: int, text: str) -> str:
    """Read until a text was drawn, whatever its colours."""
    seen, until = "", time.monotonic() + PATIENCE
    while text not in seen and text not in re.sub(r"\x1b\[[0-9;]*m", "", seen):
        assert time.monotonic() < until, seen[-2000:]
        if select.select([terminal], [], [], 1)[0]:
            seen += os.read(terminal, 65536).decode(errors="replace")
    return re.sub(r"\x1b\[[0-9;]*m", "", seen)
