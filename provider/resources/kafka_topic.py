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
)

from gateway.addresses import topic_problem
from gateway.errors import EndpointUnreachable, ResourceError
from provider.diff import Change, changes_between, format_path
from provider.fields import Field, anything, integer, mapping
from provider.kafka_admin import ENDPOINT, TIMEOUT_SECONDS, Connection, connect
from provider.resource import Call, Resource, State
from provider.values import Properties, is_known


def _name_test(value: Any) -> str | None:
    return (topic_problem(value) or None) if isinstance(value, str) else "should be a string"


@dataclass(frozen=True)
class LiveTopic:
    """A topic as the brokers have it; ``config`` holds what was set on the topic itself."""

    partitions: int
    replication_factor: int
    config: dict[str, str]


class KafkaTopic(Resource):
    """A topic at ``endpoint``. Outputs: the inputs.

    Partitions are added in place; fewer of them, or another replication factor, is a new topic.
    """

    token = "gateway:kafka:Topic"  # noqa: S105 - a type token
    fields = {
        "endpoint": ENDPOINT,
        "name": Field(_name_test, required=True),
        "partitions": integer(default=1, minimum=1),
        "replicationFactor": integer(default=1, minimum=1, maximum=32_767),
        "config": mapping(anything(), {}),
    }
    secrets = (("endpoint", "password"),)
    # The name is the topic: two of them cannot stand side by side.
    delete_before_replace = True

    def diff(self, call: Call, state: State, news: Properties) -> list[Change]:
        """Edits, and what the brokers have instead."""
        replacing = ["name", "replicationFactor"]
        before, after = state.inputs.get("partitions"), news["partitions"]
        if isinstance(before, int) and isinstance(after, int) and after < before:
            replacing.append("partitions")
        changes = changes_between(_text_config(state.inputs), _text_config(news), replacing)
        if any(change.replace for change in changes) or not is_known(news):
            return changes
        try:
            live = _live(connect(news["endpoint"]), news["name"])
        except ResourceError as problem:
            call.warn_away(problem)
            return changes
        edited = {change.path for change in changes}
        return changes + [c for c in _drift(call, live, news) if c.path not in edited]

    def create(self, call: Call, inputs: Properties) -> tuple[str, Properties]:
        """Make the topic, or adopt one of this name, growing and setting it as asked."""
        if not call.preview:
            self._bring_up(call, inputs)
        return ("" if call.preview else call.derived_id), inputs

    def read(self, call: Call, state: State) -> State | None:
        """The topic as the brokers have it."""
        if not state.inputs:
            raise ResourceError("a topic cannot be imported: creating one adopts it")
        try:
            live = _live(connect(state.inputs["endpoint"]), state.inputs["name"])
        except ResourceError as problem:
            call.warn_away(problem)
            return state
        if live is None:
            return None
        recorded = state.inputs
        same = _text_config(recorded)["config"] == live.config
        fresh = {
            "partitions": live.partitions,
            "replicationFactor": live.replication_factor,
            "config": recorded["config"] if same else live.config,
        }
        return State(state.id, {**recorded, **fresh}, {**state.outputs, **fresh})

    def update(self, call: Call, state: State, news: Properties) -> Properties:
        """Make it again if it is missing, add partitions, set its config."""
        if not call.preview:
            self._bring_up(call, news)
        return news

    def delete(self, call: Call, state: State) -> None:
        """Delete the topic and its records."""
        inputs = state.inputs
        if state.inputs.get("name"):
            connect(inputs["endpoint"]).ask(lambda admin: _delete(admin, inputs["name"]))

    def _bring_up(self, call: Call, inputs: Properties) -> None:
        connection = connect(inputs["endpoint"])
        name, wanted = inputs["name"], inputs["partitions"]
        config = _text_config(inputs)["config"]
        live = connection.ask_patiently(lambda admin: _describe(admin, name), call.cancelled)
        if live is None:
            topic = NewTopic(
                name,
                num_partitions=wanted,
                replication_factor=inputs["replicationFactor"],
                config=config,
            )
            connection.ask_patiently(lambda admin: _create(admin, topic), call.cancelled)
            _await_topic(connection, name, call)
            return
        if live.partitions < wanted:
            connection.ask(lambda admin: _grow(admin, name, wanted))
        elif live.partitions > wanted:
            call.warn(_too_many(name, live.partitions, wanted))
        if live.config != config:
            connection.ask(lambda admin: _configure(admin, name, live.config, config))


def _drift(call: Call, live: LiveTopic | None, news: Properties) -> list[Change]:
    name = news["name"]
    if live is None:
        call.warn(f"topic {name} is missing on the broker; it will be made again, without records")
        return [Change("name", "add", recorded=False)]
    changes: list[Change] = []
    if live.partitions > news["partitions"]:
        call.warn(_too_many(name, live.partitions, news["partitions"]))
    if live.partitions < news["partitions"]:
        changes.append(Change("partitions", recorded=False))
    wanted = _text_config(news)["config"]
    for key in sorted({*wanted, *live.config}):
        if live.config.get(key) != wanted.get(key):
            kind: Any = "add" if key not in live.config else "update"
            kind = "delete" if key not in wanted else kind
            changes.append(Change(format_path(("config", key)), kind, recorded=False))
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


def _live(connection: Connection, name: str) -> LiveTopic | None:
    return connection.ask(lambda admin: _describe(admin, name))


def _describe(admin: AdminClient, name: str) -> LiveTopic | None:
    # All topics, not this one: asking for a name would create it where brokers do that.
    found = admin.list_topics(timeout=TIMEOUT_SECONDS).topics.get(name)
    if found is None or found.error is not None:
        return None
    resource = ConfigResource(ResourceType.TOPIC, name)
    futures = admin.describe_configs([resource], request_timeout=TIMEOUT_SECONDS)
    entries = futures[resource].result()
    own = {
        key: entry.value
        for key, entry in entries.items()
        if entry.source == ConfigSource.DYNAMIC_TOPIC_CONFIG.value
    }
    replicas = max((len(p.replicas) for p in found.partitions.values()), default=0)
    return LiveTopic(len(found.partitions), replicas, own)


def _create(admin: AdminClient, topic: NewTopic) -> None:
    futures = admin.create_topics([topic], request_timeout=TIMEOUT_SECONDS)
    try:
        futures[topic.topic].result()
    except KafkaException as problem:
        if problem.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise


def _await_topic(connection: Connection, name: str, call: Call) -> None:
    """Wait until each partition has a leader: what depends on the topic must find it."""

    def shown(admin: AdminClient) -> None:
        found = admin.list_topics(timeout=TIMEOUT_SECONDS).topics.get(name)
        if found is None or min((p.leader for p in found.partitions.values()), default=-1) < 0:
            raise EndpointUnreachable(f"topic {name} was made but has no leader yet")

    connection.ask_patiently(shown, call.cancelled)


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
