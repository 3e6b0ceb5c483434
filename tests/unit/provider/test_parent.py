# SPDX-License-Identifier: Apache-2.0
"""What an engine starts does not outlive it, however the engine ends."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from provider.parent import on_parent_death
from tests.support.processes import alive, kill
from tests.support.waiting import PATIENCE, eventually

ROOT = Path(__file__).resolve().parents[3]
PLUGIN = ROOT / "provider" / "pulumi-resource-gateway"
HOST = ROOT / "tools" / "language_host" / "pulumi-language-python"
STUB = (sys.executable, "-m", "tools.stubs.serve", "aws", "1.0.0")

# Starts a plugin as the engine does, says its pid once it serves, and waits to be killed.
ENGINE = """
import subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, start_new_session=True)
child.stdout.readline()
print(child.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("command", [(PLUGIN, ""), (HOST, ""), STUB], ids=["own", "host", "stub"])
def test_a_killed_engine_leaves_nothing_behind(
    command: tuple[str | Path, ...], tmp_path: Path
) -> None:
    engine = subprocess.Popen(
        [sys.executable, "-c", ENGINE, *map(str, command)],
        cwd=ROOT,
        env={**os.environ, "STUB_WORLD": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert engine.stdout is not None
    plugin = int(engine.stdout.readline())
    try:
        assert alive(plugin)
        kill(engine.pid)
        eventually(lambda: not alive(plugin))
    finally:
        engine.communicate()
        if alive(plugin):
            kill(plugin)


def test_a_parent_that_is_gone_already_is_noticed_at_once() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    noticed = threading.Event()
    on_parent_death(noticed.set, gone.pid)
    assert noticed.wait(PATIENCE)
