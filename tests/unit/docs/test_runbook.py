# SPDX-License-Identifier: Apache-2.0
"""The runbook has a section for every alert, and its commands work on a running gateway."""

from __future__ import annotations

import os
import re
import subprocess
from functools import partial
from pathlib import Path

import pytest

from tests.support.broker import Broker
from tests.support.observed import observed
from tests.support.prometheus import alerts, program, running_prometheus
from tests.support.waiting import eventually

_TEXT = (Path(__file__).parents[3] / "docs" / "runbook.md").read_text()
_SECTION = re.compile(r"^## (.+)\n((?:.|\n)*?)(?=^## |\Z)", re.MULTILINE)
_BLOCK = re.compile(r"^```sh\n((?:.|\n)*?)^```", re.MULTILINE)
_GOING_BACK = "Going back to an earlier release"


def sections() -> dict[str, str]:
    return dict(_SECTION.findall(_TEXT))


def commands() -> list[str]:
    return [line for block in _BLOCK.findall(_TEXT) for line in block.splitlines()]


def test_there_is_a_section_for_every_alert_and_no_other() -> None:
    assert set(sections()) == {rule["alert"] for rule in alerts()} | {_GOING_BACK}


def test_each_section_says_what_to_do() -> None:
    for name, text in sections().items():
        leads_on = re.search(r"As \[above\]|as \[above\]", text)
        assert re.search(r"^(Do:|\| reason|`)|^curl", text, re.MULTILINE) or leads_on, name


@pytest.mark.kafka
def test_every_command_works_on_a_running_gateway(broker: Broker, tmp_path: Path) -> None:
    program("prometheus")  # before anything is started
    with observed(tmp_path, broker) as gateway:
        jobs = {"data-plane": gateway.node.status, "control-plane": gateway.status}
        with running_prometheus(tmp_path, jobs) as prometheus:
            eventually(lambda: prometheus.query("kafka_gateway_info"))
            environment = {
                "PATH": os.environ["PATH"],
                "STATUS": f"http://127.0.0.1:{gateway.node.status}",
                "CONTROL": f"http://127.0.0.1:{gateway.status}",
                "ADMIN": f"http://127.0.0.1:{gateway.admin}",
                "PROMETHEUS": f"http://127.0.0.1:{prometheus.port}",
                "UPSTREAM": "pool.test",
                "RELEASE": "1",
            }
            for command in commands():
                eventually(partial(works, command, environment))


def works(command: str, environment: dict[str, str]) -> bool:
    """Tell whether a command succeeds and shows something; what fails there has come to pass."""
    strict = f"set -euo pipefail\n{command.replace('curl -s', 'curl -sS --fail')}"
    done = subprocess.run(
        ["bash", "-c", strict], env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode == 0 and bool(done.stdout)
