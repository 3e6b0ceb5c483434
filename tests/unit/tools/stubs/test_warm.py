# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path

import pytest

from tests.support.processes import alive
from tests.support.waiting import eventually
from tools.stubs.warm import forker

pytestmark = pytest.mark.engine

WAITS_FOR = """
import os, sys, time
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
sys.exit(int(os.environ["CODE"]))
"""


class Connection:
    """One that runs programs, and what it is told of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket: socket.socket = forker().connect()
        self.lines = self.socket.makefile("rw")
        (folder / "program.py").write_text(WAITS_FOR)

    def begin(self, file: Path, code: int) -> int:
        """Begin a program that waits for a file; return its process id."""
        run = {
            "arguments": [str(self.folder / "program.py"), str(file)],
            "environment": {"CODE": str(code)},
            "folder": str(self.folder),
            "log": str(self.folder / "program.log"),
        }
        self.lines.write(json.dumps(run) + "\n")
        self.lines.flush()
        return int(self.lines.readline())

    def code(self) -> int:
        return int(self.lines.readline())

    def close(self) -> None:
        self.lines.close()
        self.socket.close()


def test_programs_of_several_sessions_run_at_a_time_and_one_after_another(tmp_path: Path) -> None:
    one, other = Connection(tmp_path), Connection(tmp_path)
    here, nowhere = tmp_path / "here", tmp_path / "nowhere"
    waiting = one.begin(here, 3)
    stopped = other.begin(nowhere, 0)
    here.touch()
    assert one.code() == 3
    assert alive(stopped)
    os.kill(stopped, signal.SIGTERM)
    assert other.code() == -signal.SIGTERM
    assert other.begin(here, 32) != waiting
    assert other.code() == 32
    assert one.begin(here, 0)
    assert one.code() == 0
    one.close()
    other.close()
    eventually(lambda: not alive(waiting))
