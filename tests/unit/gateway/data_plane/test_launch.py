# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import running_in
from tests.support.waiting import eventually


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"KONG_LOG_LEVEL": "loud"}, "error: KONG_LOG_LEVEL: "),
        ({"KONG_NGINX_WORKER_PROCESSES": "2"}, "error: KONG_PREFIX: cannot make "),
    ],
    ids=["before the workers", "after the workers"],
)
def test_a_start_that_fails_says_why_and_leaves_no_worker(
    tmp_path: Path, settings: dict[str, str], error: str
) -> None:
    prefix = tmp_path / "file"
    prefix.write_text("no folder")
    code = "import os; from gateway.commands.run import start; raise SystemExit(start())"
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "KONG_PREFIX": str(prefix), **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert error in ended.stderr
    eventually(lambda: not running_in(prefix))
