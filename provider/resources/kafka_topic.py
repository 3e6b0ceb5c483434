# SPDX-License-Identifier: Apache-2.0
"""``gateway:kafka:Topic``: a topic with its partitions and settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined] # not in its __all__
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ConfigSource,
    NewPartitions,
    NewTopic,
    ResourceType,
    TopicMetadata,
)

from gateway.errors import EndpointUnreachable
from gateway.names.property_paths import render_path
from provider.diff import PropertyChange, changes_between
from provider.imports import kafka_of_environment
from provider.kafka_admin import TIMEOUT_SECONDS, kafka_admin
from provider.resource import Resource, ResourceCall, State
from provider.resource_types import KafkaTopicType
from provider.retry import with_retry
from provider.values import Properties


@dataclass(frozen=True)
class LiveTopic:
    """A topic as the brokers have it; ``config`` holds what was set on the topic itself."""

    partitions: int
    replication_factor: int
    config: dict[str, str]


class KafkaTopic(Resource):
    """A topic at ``endpoint``.

    Partitions are added in place; fewer of them, or another replication factor, is a new topic.
    """

    schema = KafkaTopicType
    # The name is the topic: two of them cannot stand side by side.
    delete_before_replace = True

    def edits(self, state: State, news: Properties) -> list[PropertyChange]:
        """Edits; partitions cannot be removed in place."""
        replacing = ["name", "replicationFactor"]
        before, after = state.inputs.get("partitions"), news["partitions"]
        if isinstance(before, int) and isinstance(after, int) and after < before:
            replacing.append("partitions")
        return changes_between(_text_config(state.inputs), _text_config(news), replacing)

    def drift(
        self, call: ResourceCall, state: State, news: Properties, edits: list[PropertyChange]
    ) -> list[PropertyChange]:
        """What differs on the brokers."""
        live = _live(news)
        edited = {edit.path for edit in edits}
        return [change for change in _drift(call, live, news) if change.path not in edited]

    def make(self, call: ResourceCall, inputs: Properties) -> tuple[str, Properties]:
        """Make the topic, or adopt one of this name, growing and setting it as asked."""
        self._bring_up(call, inputs)
        return call.derived_id, self.schema.recorded(inputs)

    def refresh(self, state: State) -> State | None:
        """The topic as the brokers have it."""
        recorded = state.inputs
        live = _live(recorded)
        if live is None:
            return None
        same = _text_config(recorded)["config"] == live.config
        fresh = {
            "partitions": live.partitions,
            "replicationFactor": live.replication_factor,
            "config": recorded["config"] if same else live.config,
        }
        return State(state.id, {**recorded, **fresh}, {**state.outputs, **fresh})

    def import_existing(self, identity: str) -> State | None:
        """The topic of this name, at the Kafka that the environment names."""
        found: Properties = {"endpoint": kafka_of_environment(), "name": identity}
        live = _live(found)
        if live is None:
            return None
        found |= {
            "partitions": live.partitions,
            "replicationFactor": live.replication_factor,
            "config": live.config,
        }
        return State(identity, found, self.schema.recorded(found))

    def update(self, call: ResourceCall, state: State, news: Properties) -> Properties:
        """Make it again if it is missing, add partitions, set its config."""
        if not call.preview:
            self._bring_up(call, news)
        return self.schema.recorded(news)

    def delete(self, call: ResourceCall, state: State) -> None:
        """Delete the topic and its records."""
        inputs = state.inputs
        if state.inputs.get("name"):
            kafka_admin(inputs["endpoint"]).change(lambda admin: _delete(admin, inputs["name"]))

    def _bring_up(self, call: ResourceCall, inputs: Properties) -> None:
        kafka = kafka_admin(inputs["endpoint"])
        name, wanted = inputs["name"], inputs["partitions"]
        config = _text_config(inputs)["config"]
        live = with_retry(lambda: _live(inputs), call.cancelled)
        if live is None:
            topic = NewTopic(
                name,
                num_partitions=wanted,
                replication_factor=inputs["replicationFactor"],
                config=config,
            )
            with_retry(lambda: kafka.change(lambda admin: _create(admin, topic)), call.cancelled)
            with_retry(
                lambda: kafka.call(lambda admin: _expect_leaders(admin, name)), call.cancelled
            )
            return
        if live.partitions < wanted:
            kafka.change(lambda admin: _grow(admin, name, wanted))
        elif live.partitions > wanted:
            call.warn(_too_many(name, live.partitions, wanted))
        if live.config != config:
            kafka.change(lambda admin: _configure(admin, name, live.config, config))


def _drift(call: ResourceCall, live: LiveTopic | None, news: Properties) -> list[PropertyChange]:
    name = news["name"]
    if live is None:
        call.warn(f"topic {name} is missing on the broker; it will be made again, without records")
        return [PropertyChange("name", "add", recorded=False)]
    changes: list[PropertyChange] = []
    if live.partitions > news["partitions"]:
        call.warn(_too_many(name, live.partitions, news["partitions"]))
    if live.partitions < news["partitions"]:
        changes.append(PropertyChange("partitions", recorded=False))
    wanted = _text_config(news)["config"]
    for key in sorted({*wanted, *live.config}):
        if live.config.get(key) != wanted.get(key):
            kind: Any = "add" if key not in live.config else "update"
            kind = "delete" if key not in wanted else kind
            changes.append(PropertyChange(render_path(("config", key)), kind, recorded=False))
    return changes


def _too_many(name: str, live: int, wanted: int) -> str:
    return (
        f"topic {name} has {live} partitions, {wanted} are configured; partitions cannot be "
        f"removed: configure {live}"
    )


def _text_config(inputs: Properties) -> Properties:
    """Kafka's settings are texts; numbers and booleans of the program become what it expects."""
    config = inputs.get("config")
    if not isinstance(config, dict):
        return inputs
    texts = {
        key: str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in config.items()
    }
    return {**inputs, "config": texts}


def _live(inputs: Properties) -> LiveTopic | None:
    kafka, name = kafka_admin(inputs["endpoint"]), inputs["name"]
    topic = kafka.listed("topics", _all_topics).get(name)
    if topic is None or topic.error is not None:
        return None
    own = kafka.call(lambda admin: _own_config(admin, name))
    if own is None:
        return None
    replicas = max((len(p.replicas) for p in topic.partitions.values()), default=0)
    return LiveTopic(len(topic.partitions), replicas, own)


def _all_topics(admin: AdminClient) -> dict[str, TopicMetadata]:
    # All, not one: asking for a name would create the topic where brokers do that.
    return admin.list_topics(timeout=TIMEOUT_SECONDS).topics


def _own_config(admin: AdminClient, name: str) -> dict[str, str] | None:
    """Return what is set on the topic itself, the rest is the broker's; None without a topic."""
    resource = ConfigResource(ResourceType.TOPIC, name)
    futures = admin.describe_configs([resource], request_timeout=TIMEOUT_SECONDS)
    try:
        entries = futures[resource].result()
    except KafkaException as problem:
        if problem.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return None
        raise
    return {
        key: entry.value
        for key, entry in entries.items()
        if entry.source == ConfigSource.DYNAMIC_TOPIC_CONFIG.value
    }


def _create(admin: AdminClient, topic: NewTopic) -> None:
    futures = admin.create_topics([topic], request_timeout=TIMEOUT_SECONDS)
    try:
        futures[topic.topic].result()
    except KafkaException as problem:
        if problem.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise


def _expect_leaders(admin: AdminClient, name: str) -> None:
    """Raise unless each partition has a leader: what depends on the topic must find it."""
    topic = admin.list_topics(timeout=TIMEOUT_SECONDS).topics.get(name)
    if topic is None or min((p.leader for p in topic.partitions.values()), default=-1) < 0:
        raise EndpointUnreachable(f"topic {name} was made but has no leader yet")


def _grow(admin: AdminClient, name: str, partitions: int) -> None:
    futures = admin.create_partitions(
        [NewPartitions(name, partitions)], request_timeout=TIMEOUT_SECONDS
    )
    futures[name].result()


def _configure(admin: AdminClient, name: str, live: dict[str, str], wanted: dict[str, str]) -> None:
    entries = [
        ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
        for key, value in wanted.items()
        if live.get(key) != value
    ]
    entries += [
        ConfigEntry(key, None, incremental_operation=AlterConfigOpType.DELETE)
        for key in live
        if key not in wanted
    ]
    resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries)
    futures = admin.incremental_alter_configs([resource], request_timeout=TIMEOUT_SECONDS)
    futures[resource].result()


def _delete(admin: AdminClient, name: str) -> None:
    futures = admin.delete_topics([name], request_timeout=TIMEOUT_SECONDS)
    try:
        futures[name].result()
    except KafkaException as problem:
        if problem.args[0].code() != KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise
