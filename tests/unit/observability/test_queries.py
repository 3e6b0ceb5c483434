# SPDX-License-Identifier: Apache-2.0
"""Each query of dashboards and alerts, asked of a Prometheus that scraped a running gateway."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.support.broker import Broker
from tests.support.observed import Observed, observed
from tests.support.prometheus import (
    Prometheus,
    Query,
    program,
    queries_of_alerts,
    queries_of_dashboards,
    running_prometheus,
)
from tests.support.waiting import PATIENCE, eventually

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def gateway(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    program("prometheus")  # before anything is started
    with observed(tmp_path_factory.mktemp("observed"), broker) as running:
        yield running


@pytest.fixture(scope="module")
def prometheus(gateway: Observed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    jobs = {"data-plane": gateway.node.status, "control-plane": gateway.status}
    with running_prometheus(tmp_path_factory.mktemp("prometheus"), jobs) as running:
        yield running


def unanswered(prometheus: Prometheus, wanted: list[Query], within: float) -> list[str]:
    """Return the queries that have no result in time, or one without what its legend names."""
    left = wanted
    end = time.monotonic() + within

    def asked() -> bool:
        nonlocal left
        left = [one for one in left if not answered(prometheus, one)]
        return not left or time.monotonic() > end

    eventually(asked, within=within + 60, every=0.5)
    return [f"{one.where}: {one.text}" for one in left]


def answered(prometheus: Prometheus, query: Query) -> bool:
    """Tell whether there is a result with every label that is shown of it."""
    found = prometheus.query(query.text)
    return bool(found) and all(any(name in one["metric"] for one in found) for name in query.labels)


def none_of(lines: list[str]) -> None:
    """Fail with all that was found, a line each."""
    if lines:
        pytest.fail("\n".join(lines), pytrace=False)


def test_each_query_of_the_dashboards_has_a_result(prometheus: Prometheus) -> None:
    none_of(unanswered(prometheus, list(queries_of_dashboards()), within=PATIENCE))


def test_what_each_alert_compares_is_there(prometheus: Prometheus) -> None:
    none_of(unanswered(prometheus, list(queries_of_alerts()), within=PATIENCE))


def test_no_rule_fails(prometheus: Prometheus) -> None:
    def evaluated() -> bool:
        groups = prometheus.get("rules")["groups"]
        return all(rule["health"] != "unknown" for group in groups for rule in group["rules"])

    eventually(evaluated)
    groups = prometheus.get("rules")["groups"]
    failed = [rule for group in groups for rule in group["rules"] if rule["health"] != "ok"]
    assert failed == []
