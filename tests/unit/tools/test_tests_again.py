# SPDX-License-Identifier: Apache-2.0
"""The gate runs a few failed tests once more: a fault fails again, a flake is named."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.checkout import ROOT

TESTS = """
from pathlib import Path
import pytest

@pytest.mark.parametrize("name", {flaky!r})
def test_flaky(name):
    seen = Path(__file__).with_name(name.replace("/", "_"))
    before = seen.exists()
    seen.touch()
    assert before

def test_fault(): assert not {fault}
def test_right(): pass
"""


@pytest.mark.parametrize(
    ("flaky", "fault", "passes", "said"),
    [
        (["a b", "ü/x"], False, True, "FLAKY: test_it.py::test_flaky[a b]"),
        (["a"], True, False, "test_it.py::test_fault"),
        (["a", "b", "c"], True, False, "4 tests failed: not run again"),
    ],
)
def test_what_failed_is_run_once_more_unless_it_is_much(
    tmp_path: Path, flaky: list[str], fault: bool, passes: bool, said: str
) -> None:
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "tests_again", tmp_path / "tools")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    pytest_here = tmp_path / ".venv" / "bin" / "pytest"
    pytest_here.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pytest "$@"\n')
    pytest_here.chmod(0o755)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_it.py").write_text(TESTS.format(flaky=flaky, fault=fault))
    first = subprocess.run([pytest_here], cwd=tmp_path, capture_output=True, check=False)
    assert first.returncode == pytest.ExitCode.TESTS_FAILED, first.stdout
    again = subprocess.run(
        [tmp_path / "tools" / "tests_again"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    shown = again.stdout + again.stderr
    assert (again.returncode == 0) is passes, shown
    assert said in shown
    assert ("FLAKY" in shown) is passes, shown
