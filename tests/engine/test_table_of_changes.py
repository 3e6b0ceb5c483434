# SPDX-License-Identifier: Apache-2.0
"""The table of changes in docs/operations.md is what the engine plans for a live `dev`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.change_table import (
    Change,
    record_rows,
    recorded_rows,
    refusal_of,
    row,
    summary,
)
from tests.support.plans import FLAGS, changed, plan
from tools.stubs.session import StubSession
from tools.stubs.warm import warm_session

pytestmark = pytest.mark.engine

TOPIC = {"name": "topictest", "partitions": 1, "config": {"retention.ms": 3600000}}
REFUSED = "nothing"
CHANGES = (
    Change(
        "another `nodeType`",
        "rolling: pods are drained from node to node",
        {"nodeType": "m7i.large"},
    ),
    Change("more `nodes` and `maxNodes`", "more nodes", {"nodes": 2, "maxNodes": 4}),
    Change("another `maxNodes`", "nothing until it is reached", {"maxNodes": 4}),
    Change(
        "a further zone",
        "rolling: nodes come in it too; the cluster stays where it was made",
        {"zones": 3},
    ),
    Change(
        "more `natGateways`",
        "connections to the outside are made again",
        {"zones": 2, "natGateways": 2},
    ),
    Change(
        "the next `kubernetesVersion`",
        "rolling, in half an hour or more",
        {"kubernetesVersion": "1.36"},
    ),
    Change("an older `kubernetesVersion`", REFUSED, {"kubernetesVersion": "1.34"}),
    Change("another `clusterMode`", REFUSED, {"clusterMode": "auto"}),
    Change("another `vpcCidr`", REFUSED, {"vpcCidr": "10.40.0.0/16"}),
    Change("another `clusterName`", REFUSED, {"clusterName": "other"}),
    Change(
        "another `clusterRegion`",
        "a new cluster with a new address, then the old one goes: change DNS",
        {"clusterRegion": "us-west-2"},
    ),
    Change(
        "a further one of `adminArns`",
        "nothing",
        {"adminArns": ["arn:aws:iam::123456789012:role/ops"]},
    ),
    Change(
        "`confluentClusterType` from basic to standard",
        "nothing; no way back",
        {"confluentClusterType": "standard"},
    ),
    Change(
        "`confluentClusterType` to dedicated",
        REFUSED,
        {"confluentClusterType": "dedicated", "confluentCku": 1},
    ),
    Change(
        "another `confluentRegion`",
        "**all records are lost**; `protect` refuses it",
        {"confluentRegion": "us-west-2"},
    ),
    Change("a further topic", "nothing", {"topics": [TOPIC, {"name": "orders"}]}),
    Change(
        "more partitions",
        "records of one key may move to another partition",
        {"topics": [{**TOPIC, "partitions": 3}]},
    ),
    Change(
        "a topic's setting taken out",
        "the default holds",
        {"topics": [{"name": "topictest", "partitions": 1}]},
    ),
    Change("`apiKeySlot`", "rolling: new pods with the other key", {"apiKeySlot": "b"}),
    Change(
        "`imageDigest`",
        "rolling: control plane and data planes",
        {"imageDigest": "sha256:" + "6c" * 32},
    ),
    Change("more `replicas`", "more pods", {"replicas": 3}),
    Change(
        "a first one of `viewerArns`",
        "nothing",
        {"viewerArns": ["arn:aws:iam::123456789012:role/preview"]},
    ),
    Change("another `clusterLogDays`", "older lines of the log go", {"clusterLogDays": 7}),
    Change("`schemaRegistry`", "rolling: new pods with its key", {"schemaRegistry": True}),
    Change(
        "`hostname` and `certificateZone`",
        "plain HTTP ends, TLS begins: minutes",
        {"hostname": "api.example.com", "certificateZone": "Z0123456789ABC"},
    ),
    Change("`hostname` without a certificate", REFUSED, {"hostname": "api.example.com"}),
    Change("a tag that the program sets", REFUSED, {"tags": {"stack": "mine"}}),
    Change("nothing", "nothing"),
)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    with warm_session(tmp_path_factory.mktemp("live"), "dev") as session:
        session.write_settings(topics=[TOPIC])
        made = session.up()
        assert made.code == 0, made.text
        return [row(change, planned_text(session, change)) for change in CHANGES]


def planned_text(session: StubSession, change: Change) -> str:
    with changed(session, **change.settings):
        shown = session.preview(*FLAGS)
    return refusal_of(shown.text) if shown.code else summary(plan(shown))


def test_the_table_says_what_the_engine_plans(rows: list[str]) -> None:
    if os.environ.get("RECORD_SNAPSHOTS"):
        record_rows(rows)
    assert recorded_rows() == rows, "review the difference, then record it with RECORD_SNAPSHOTS=1"


def test_what_is_refused_changes_nothing(rows: list[str]) -> None:
    for line in rows:
        _, words, meaning, planned, _ = line.split("|")
        if planned.strip().startswith("refused"):
            assert meaning.strip() == REFUSED, words


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- plans: recorded -->\n<!-- plans: end -->\nafter\n")
    lines = [row(CHANGES[0], summary(["make anew a: b", "delete the old a"]))]
    record_rows(lines, page)
    assert recorded_rows(page) == lines
    assert page.read_text().startswith("before\n")
    assert page.read_text().endswith("\nafter\n")
