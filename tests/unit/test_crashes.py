# SPDX-License-Identifier: Apache-2.0
"""Where a process of the tests dies, the run says at once in which test, and where."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.checkout import ROOT

TESTS = """
import faulthandler, os, signal

def test_before(): pass
def test_crash(): {}
"""


@pytest.mark.parametrize(
    ("crash", "said"),
    [
        ("faulthandler._sigsegv()", "Fatal Python error: Segmentation fault"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "It was killed: there is no dump."),
    ],
)
def test_a_run_says_in_which_test_a_process_died_and_where(
    tmp_path: Path, crash: str, said: str
) -> None:
    (tmp_path / "test_it.py").write_text(TESTS.format(crash))
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-n1", "--max-worker-restart=0", "-q"]
    plugins = ["-p", "xdist.plugin", "-p", "tests.support.crashes", "-p", "no:cacheprovider"]
    ran = subprocess.run(
        [*command, *plugins, str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    where = "crashed while running 'test_it.py::test_crash'"
    at_once, _, at_the_end = ran.stdout.partition("FAILURES")
    for part in (at_once, at_the_end):
        assert where in part, ran.stdout + ran.stderr
        assert said in part, ran.stdout + ran.stderr
    assert ("in test_crash" in at_once) is ("Fatal" in said)
    assert ran.returncode == pytest.ExitCode.INTERNAL_ERROR  # else the gate might run it again
