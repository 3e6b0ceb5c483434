# SPDX-License-Identifier: Apache-2.0
"""The chart installs the dashboards and the alerts where it is asked to, as they are."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from tests.support.chart import render
from tests.support.prometheus import ALERTS, DASHBOARDS

_DASHBOARDS: dict[str, Any] = {"observability": {"dashboards": {"enabled": True}}}


def alerts(**values: Any) -> dict[str, Any]:
    """Return what the chart makes of the alerts."""
    found = render({"observability": {"alerts": {"enabled": True, **values}}})
    kind = values.get("kind", "PrometheusRule")
    return found[kind, "gw-kafka-gateway-alerts"]


@pytest.mark.parametrize("values", [{}, {"observability": None}])
def test_nothing_is_installed_unasked(values: dict[str, Any]) -> None:
    names = {name for _, name in render(values)}
    assert not [name for name in names if "dashboard" in name or "alerts" in name]


def test_each_dashboard_is_a_config_map_that_grafana_finds() -> None:
    found = {key: one for key, one in render(_DASHBOARDS).items() if "-dashboard-" in key[1]}
    assert len(found) == len(DASHBOARDS)
    for path in DASHBOARDS:
        one = found["ConfigMap", f"gw-kafka-gateway-dashboard-{path.stem}"]
        assert one["metadata"]["labels"]["grafana_dashboard"] == "1"
        (text,) = one["data"].values()
        assert json.loads(text) == json.loads(path.read_text())


def test_where_dashboards_go_and_what_marks_them_can_be_chosen() -> None:
    chosen = {"namespace": "grafana", "labels": {"mine": "1"}, "annotations": {"folder": "Kafka"}}
    values = {"observability": {"dashboards": {"enabled": True, **chosen}}}
    found = render(values)["ConfigMap", "gw-kafka-gateway-dashboard-overview"]["metadata"]
    assert found["namespace"] == "grafana"
    assert found["labels"]["mine"] == "1"
    assert found["annotations"] == {"folder": "Kafka"}


def test_alerts_are_a_rule_of_the_operator_or_a_config_map() -> None:
    written = yaml.safe_load(ALERTS.read_text())
    assert alerts()["spec"] == written
    (text,) = alerts(kind="ConfigMap")["data"].values()
    assert yaml.safe_load(text) == written


def test_alerts_lead_to_the_runbook_of_those_who_run_it() -> None:
    spec = alerts(runbookUrl="https://wiki.example.com/gateway")["spec"]
    urls = [
        rule["annotations"]["runbook_url"]
        for group in spec["groups"]
        for rule in group["rules"]
        if "alert" in rule
    ]
    assert urls
    assert all(url.startswith("https://wiki.example.com/gateway#kafkagateway") for url in urls)
