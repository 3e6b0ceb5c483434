# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined] # not in its __all__
    AdminClient,
    ConfigResource,
    ConfigSource,
    ResourceType,
)

from provider.values import UNKNOWN, Properties
from tests.support.broker import Broker
from tests.support.ports import free_ports
from tests.support.provider import CallError, Harness
from tests.support.waiting import PATIENCE, eventually

TOKEN = "gateway:kafka:Topic"

pytestmark = pytest.mark.kafka


class Topic:
    """A topic resource with a name of its own on a real broker."""

    def __init__(self, broker: Broker) -> None:
        self.harness = Harness(TOKEN)
        self.name = f"p-{uuid.uuid4().hex[:12]}"
        self.endpoint: Properties = {
            "bootstrapServers": [{"host": "127.0.0.1", "port": broker.port}],
            "caPem": broker.authority.certificate,
            "user": broker.admin[0],
            "password": broker.admin[1],
        }
        self.admin = AdminClient(broker.client())

    def inputs(self, **more: Any) -> Properties:
        return {"endpoint": self.endpoint, "name": self.name, **more}

    def partitions(self) -> int:
        topic = self.admin.list_topics(timeout=PATIENCE).topics.get(self.name)
        return 0 if topic is None else len(topic.partitions)

    def config(self) -> dict[str, str]:
        resource = ConfigResource(ResourceType.TOPIC, self.name)
        entries = self.admin.describe_configs([resource])[resource].result(timeout=PATIENCE)
        own = ConfigSource.DYNAMIC_TOPIC_CONFIG.value
        return {name: entry.value for name, entry in entries.items() if entry.source == own}


@pytest.fixture
def topic(broker: Broker) -> Iterator[Topic]:
    made = Topic(broker)
    yield made
    if made.partitions():
        broker.delete(made.name)


def test_a_topic_is_made_as_asked(topic: Topic) -> None:
    topic.harness.create(topic.inputs(partitions=2, config={"retention.ms": 60_000}))
    assert topic.partitions() == 2
    assert topic.config() == {"retention.ms": "60000"}
    assert topic.harness.diff() == {}
    assert "endpoint" not in topic.harness.outputs


def test_a_missing_topic_is_a_change_and_is_made_again(topic: Topic, broker: Broker) -> None:
    topic.harness.create(topic.inputs())
    broker.delete(topic.name)
    assert topic.harness.diff() == {"name": "ADD"}
    assert "missing on the broker" in topic.harness.lines.shown[0]
    topic.harness.update(topic.inputs())
    assert topic.partitions() == 1
    assert topic.harness.diff() == {}


def test_partitions_are_added_in_place(topic: Topic) -> None:
    topic.harness.create(topic.inputs())
    news = topic.inputs(partitions=3)
    assert topic.harness.diff(topic.harness.check(news)) == {"partitions": "UPDATE"}
    topic.harness.update(news)
    eventually(lambda: topic.partitions() == 3)
    eventually(lambda: topic.harness.diff() == {})


def test_fewer_partitions_or_another_name_is_another_topic(topic: Topic) -> None:
    topic.harness.create(topic.inputs(partitions=2))
    answer = topic.harness.diff_response(topic.harness.check(topic.inputs(partitions=1)))
    assert list(answer.replaces) == ["partitions"]
    assert answer.deleteBeforeReplace
    renamed = topic.harness.check({**topic.inputs(partitions=2), "name": "other"})
    assert topic.harness.diff(renamed) == {"name": "UPDATE_REPLACE"}


def test_settings_are_edited_and_taken_back(topic: Topic) -> None:
    topic.harness.create(topic.inputs(config={"retention.ms": "1000", "max.message.bytes": 5000}))
    news = topic.inputs(config={"retention.ms": "2000"})
    assert topic.harness.diff(topic.harness.check(news)) == {
        'config["retention.ms"]': "UPDATE",
        'config["max.message.bytes"]': "DELETE",
    }
    topic.harness.update(news)
    eventually(lambda: topic.config() == {"retention.ms": "2000"})
    eventually(lambda: topic.harness.diff() == {})


def test_settings_changed_by_hand_are_a_change(topic: Topic) -> None:
    topic.harness.create(topic.inputs(config={"retention.ms": "1000"}))
    other = Harness(TOKEN)
    other.create(topic.inputs(config={"cleanup.policy": "compact"}))
    eventually(lambda: "cleanup.policy" in topic.config())
    assert topic.harness.diff() == {
        'config["cleanup.policy"]': "DELETE",
        'config["retention.ms"]': "ADD",
    }
    identity, inputs, _ = topic.harness.read()
    assert identity
    assert inputs["config"] == {"cleanup.policy": "compact"}


def test_partitions_added_by_hand_are_reported_and_stay(topic: Topic) -> None:
    topic.harness.create(topic.inputs())
    Harness(TOKEN).create(topic.inputs(partitions=2))
    eventually(lambda: topic.partitions() == 2)
    assert topic.harness.diff() == {}
    assert "partitions cannot be removed: configure 2" in topic.harness.lines.shown[0]


def test_an_interrupted_create_is_adopted(topic: Topic) -> None:
    topic.harness.create(topic.inputs())
    again = Harness(TOKEN)
    again.create(topic.inputs())
    assert again.id == topic.harness.id
    assert again.diff() == {}


def test_a_refresh_finds_a_topic_that_is_gone(topic: Topic, broker: Broker) -> None:
    topic.harness.create(topic.inputs())
    assert topic.harness.read()[0] == topic.harness.id
    broker.delete(topic.name)
    assert topic.harness.read()[0] == ""


def test_deleting_it_twice_is_quiet(topic: Topic) -> None:
    topic.harness.create(topic.inputs())
    topic.harness.delete()
    eventually(lambda: topic.partitions() == 0)
    topic.harness.delete()


def test_an_unreachable_broker_keeps_the_state_and_warns_without_waiting(topic: Topic) -> None:
    topic.harness.create(topic.inputs())
    closed = free_ports(1)[0]
    topic.harness.inputs["endpoint"]["bootstrapServers"] = f"127.0.0.1:{closed}"
    assert topic.harness.diff() == {}
    assert topic.harness.read()[0] == topic.harness.id
    assert all("does not answer (Connection refused)" in line for line in topic.harness.lines.shown)
    with pytest.raises(CallError, match="does not answer"):
        topic.harness.delete()


def test_a_wrong_password_is_named_without_showing_it(topic: Topic) -> None:
    topic.harness.create(topic.inputs())
    topic.harness.inputs["endpoint"]["password"] = "planted-secret"
    assert topic.harness.diff() == {}
    (line,) = topic.harness.lines.shown
    assert "uthentication" in line
    assert "planted-secret" not in line


def test_unknown_values_are_accepted_at_preview(topic: Topic) -> None:
    unknown = topic.inputs(partitions=UNKNOWN)
    unknown["endpoint"] = {**topic.endpoint, "password": UNKNOWN, "bootstrapServers": UNKNOWN}
    topic.harness.create(unknown, preview=True)
    topic.harness.create(topic.inputs())
    assert set(topic.harness.diff(topic.harness.check(unknown))) == {
        "endpoint.bootstrapServers",
        "endpoint.password",
        "partitions",
    }


def test_inputs_are_checked() -> None:
    assert Harness(TOKEN).failures({"name": "x", "partitions": 0, "endpoint": {"user": "u"}}) == {
        "partitions": "should be between 1 and 2147483647, not 0",
        "endpoint.bootstrapServers": "is required",
    }
