# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.processes import running_in
from tests.support.waiting import eventually


def started(settings: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a node that cannot start."""
    return subprocess.run(
        [sys.executable, "-c", "from gateway.commands.run import start; raise SystemExit(start())"],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


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
    ended = started({"KONG_PREFIX": str(prefix), **settings})
    assert ended.returncode == 1
    assert error in ended.stderr
    eventually(lambda: not running_in(prefix))


def test_a_file_that_is_wrong_is_the_only_thing_said(tmp_path: Path) -> None:
    file = tmp_path / "kong.yml"
    file.write_text("services: [{name: a, host: a.test, prot: http}]")
    ended = started({"KONG_PREFIX": str(tmp_path / "prefix"), "KONG_DECLARATIVE_CONFIG": str(file)})
    assert ended.returncode == 1
    (said,) = (ended.stdout + ended.stderr).splitlines()
    assert said.startswith('error: KONG_DECLARATIVE_CONFIG: services["a"].prot: unknown field')
