# SPDX-License-Identifier: Apache-2.0
"""Processes of one stack by the real engine: ports that change hands, an engine that is gone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli_environment import cli_environment
from tests.support.ports import free_ports
from tests.support.waiting import PATIENCE, eventually

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.engine
NAMES = ("one", "two", "three")
SERVER = """
import http.server, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(sys.argv[1].encode())

    def log_message(self, *_):
        pass

http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
"""
PROGRAM = """
import json, sys
from pathlib import Path

from provider.client import Process

here = Path(__file__).parent
for name, port in json.loads((here / "ports.json").read_text()).items():
    Process(
        name,
        name=name,
        directory=str(here / "processes" / name),
        command=[sys.executable, str(here / "server.py"), name, str(port)],
        ports={"http": port},
        port_keys={"http": f"{name}Port"},
        ready={"kind": "http", "url": f"http://127.0.0.1:{port}/", "timeoutSeconds": 60},
    )
"""
HANGING = """
import time
from pathlib import Path

from provider.client import Credential


def hang(_):
    Path(__file__).with_name("begun").touch()
    time.sleep(600)


Credential("it").key.apply(hang)
"""


class Stack:
    """A project of its own with the real provider."""

    def __init__(self, folder: Path, program: str) -> None:
        self.folder, self.mark = folder, uuid.uuid4().hex
        path = f"{ROOT}/.tools/pulumi:{ROOT}/.venv/bin:{os.environ['PATH']}"
        self.environment = cli_environment(
            folder, PATH=path, PYTHONPATH=str(ROOT), MARK_OF_TEST=self.mark
        )
        options = {"toolchain": "pip", "virtualenv": str(ROOT / ".venv")}
        provider = {"name": "gateway", "path": str(ROOT / "provider")}
        project: dict[str, Any] = {
            "name": "processes",
            "runtime": {"name": "python", "options": options},
            "plugins": {"providers": [provider]},
        }
        (folder / "Pulumi.yaml").write_text(json.dumps(project))
        (folder / "__main__.py").write_text(program)
        (folder / "server.py").write_text(SERVER)
        self.must("stack", "init", "test")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        started = self.start(*arguments)
        shown, _ = started.communicate()
        return started.returncode, shown

    def must(self, *arguments: str) -> str:
        code, text = self.run(*arguments)
        assert code == 0, text
        return text

    def listen(self, ports: Sequence[int]) -> None:
        """Say in the program which process has which port."""
        named = dict(zip(NAMES, ports, strict=True))
        (self.folder / "ports.json").write_text(json.dumps(named))

    def marked(self) -> list[int]:
        """Return the processes of this stack's commands: the engine's plugins and programs."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    environment = (entry / "environ").read_bytes()
                except OSError:
                    continue
                if self.mark.encode() in environment:
                    found.append(int(entry.name))
        return found


def answers(ports: Sequence[int]) -> list[str]:
    """Return who serves each port."""
    found = []
    for port in ports:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=PATIENCE) as response:
            found.append(response.read().decode())
    return found


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    made = Stack(tmp_path, PROGRAM)
    yield made
    made.must("destroy", "--yes")


@pytest.mark.parametrize("order", [(1, 0, 2), (1, 2, 0), (2, 0, 1)])
def test_ports_change_hands_among_the_stacks_own_processes(
    stack: Stack, order: tuple[int, ...]
) -> None:
    ports = free_ports(3)
    stack.listen(ports)
    stack.must("up", "--yes", "--skip-preview")
    assert answers(ports) == [*NAMES]
    changed = [ports[place] for place in order]
    stack.listen(changed)
    shown = stack.must("preview", "--color", "never")
    assert "taken" not in shown
    stack.must("up", "--yes", "--skip-preview")
    assert answers(changed) == [*NAMES]
    stack.must("preview", "--expect-no-changes")


def test_one_port_for_two_processes_is_refused_at_the_preview(stack: Stack) -> None:
    first, second = free_ports(2)
    stack.listen([first, second, first])
    code, shown = stack.run("preview", "--color", "never")
    assert code != 0
    assert f"port {first} is that of " in shown
    assert "set another port with `pulumi config set" in shown
    assert "nil" not in shown
    stack.listen([first, second, *free_ports(1)])
    stack.must("preview")


def test_what_an_engine_has_started_ends_with_it(tmp_path: Path) -> None:
    stack = Stack(tmp_path, HANGING)
    engine = stack.start("up", "--yes", "--skip-preview")
    try:
        eventually((tmp_path / "begun").exists)
        # The engine, the language host, the program and our provider.
        assert len(stack.marked()) >= 4
        engine.send_signal(signal.SIGKILL)
        engine.wait()
        eventually(lambda: not stack.marked())
    finally:
        engine.kill()
        engine.communicate()
        for pid in stack.marked():
            os.kill(pid, signal.SIGKILL)
