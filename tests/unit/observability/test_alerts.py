# SPDX-License-Identifier: Apache-2.0
"""The alerts are rules that Prometheus takes, and each fires when it should and only then."""

from __future__ import annotations

import subprocess
from collections import defaultdict
from typing import Any

import pytest
import yaml

from tests.support.prometheus import ALERTS, OBSERVABILITY, alerts, program, rules

_TESTS = OBSERVABILITY / "alerts.test.yaml"
_RUNBOOK = "https://github.com/OWNER/kafka-gateway/blob/main/docs/runbook.md#"

each = pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])


def promtool(*arguments: str) -> None:
    done = subprocess.run(
        [program("promtool"), *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_the_rules() -> None:
    promtool("check", "rules", "--lint=all", "--lint-fatal", str(ALERTS))


def test_each_alert_fires_as_its_tests_say() -> None:
    promtool("test", "rules", str(_TESTS))


def test_each_alert_has_a_time_at_which_it_fires_and_one_at_which_it_does_not() -> None:
    seen: dict[str, set[bool]] = defaultdict(set)
    for test in yaml.safe_load(_TESTS.read_text())["tests"]:
        for one in test["alert_rule_test"]:
            seen[one["alertname"]].add(bool(one["exp_alerts"]))
    assert seen == {rule["alert"]: {True, False} for rule in alerts()}


@each
def test_an_alert_says_how_bad_it_is_what_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule["labels"] in ({"severity": "critical"}, {"severity": "warning"})
    notes = rule["annotations"]
    assert set(notes) == {"summary", "description", "runbook_url"}
    assert notes["runbook_url"] == f"{_RUNBOOK}{rule['alert'].lower()}"
    assert notes["description"].endswith(".")
    assert not notes["summary"].endswith(".")


def test_names_are_given_once() -> None:
    names = [rule.get("alert") or rule["record"] for rule in rules()]
    assert len(set(names)) == len(names)
