# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from provider.values import UNKNOWN, Properties
from tests.support.broker import Broker
from tests.support.ports import free_ports
from tests.support.provider import Harness
from tests.support.waiting import eventually

TOKEN = "gateway:kafka:Acl"

pytestmark = pytest.mark.kafka


class Rule:
    """A rule on a topic name of its own."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.harness = Harness(TOKEN)
        self.topic = f"p-{uuid.uuid4().hex[:12]}"

    def inputs(self, **more: Any) -> Properties:
        return {
            "endpoint": {
                "bootstrapServers": self.broker.bootstrap,
                "caPem": self.broker.authority.certificate,
                "user": self.broker.admin[0],
                "password": self.broker.admin[1],
            },
            "principal": f"User:{self.broker.writer[0]}",
            "resourceType": "topic",
            "resourceName": self.topic,
            "operation": "write",
            **more,
        }


@pytest.fixture
def rule(broker: Broker) -> Iterator[Rule]:
    made = Rule(broker)
    yield made
    if made.harness.inputs:
        made.harness.inputs["endpoint"] = made.inputs()["endpoint"]
        made.harness.delete()


def test_a_rule_is_made_and_found(rule: Rule) -> None:
    rule.harness.create(rule.inputs())
    eventually(lambda: rule.harness.diff() == {})
    assert rule.harness.read()[0] == "project/test/it"
    assert rule.harness.inputs["patternType"] == "literal"


def test_a_missing_rule_is_a_change_and_is_made_again(rule: Rule) -> None:
    rule.harness.create(rule.inputs())
    rule.broker.deny(rule.broker.writer, rule.topic)
    eventually(lambda: rule.harness.diff() == {"principal": "ADD"})
    assert rule.harness.read()[0] == ""
    rule.harness.update(rule.inputs())
    eventually(lambda: rule.harness.diff() == {})


def test_an_edit_makes_the_new_rule_and_removes_the_old_one(rule: Rule) -> None:
    rule.harness.create(rule.inputs())
    old = Harness(TOKEN)
    old.inputs = old.outputs = rule.harness.inputs
    old.id = rule.harness.id
    news = rule.inputs(operation="read")
    assert rule.harness.diff(rule.harness.check(news)) == {"operation": "UPDATE"}
    rule.harness.update(news)
    eventually(lambda: rule.harness.diff() == {})
    eventually(lambda: old.diff() == {"principal": "ADD"})


def test_deleting_it_twice_is_quiet(rule: Rule) -> None:
    rule.harness.create(rule.inputs())
    rule.harness.delete()
    eventually(lambda: rule.harness.read()[0] == "")
    rule.harness.delete()


def test_an_unreachable_broker_keeps_the_state_and_warns(rule: Rule) -> None:
    rule.harness.create(rule.inputs())
    rule.harness.inputs["endpoint"]["bootstrapServers"] = f"127.0.0.1:{free_ports(1)[0]}"
    assert rule.harness.diff() == {}
    assert "does not answer" in rule.harness.lines.shown[0]


def test_unknown_values_are_accepted_at_preview(rule: Rule) -> None:
    rule.harness.create(rule.inputs(principal=UNKNOWN), preview=True)
    rule.harness.create(rule.inputs())
    unknown = rule.harness.check(rule.inputs(principal=UNKNOWN))
    assert rule.harness.diff(unknown) == {"principal": "UPDATE"}


def test_what_is_allowed_is_named(rule: Rule) -> None:
    failures = rule.harness.failures(rule.inputs(operation="produce", resourceType="topics"))
    assert failures["resourceType"].endswith("one of: topic, group, cluster, transactional_id")
    assert "write" in failures["operation"]
