# SPDX-License-Identifier: Apache-2.0
"""Kafka on Confluent Cloud, for programs of others."""

from typing import NotRequired, Required, TypedDict

import pulumi

from components.cloud.confluent import ConfluentKafka as _ConfluentKafka
from components.cloud.confluent import ConfluentKafkaArgs
from components.cloud.live import LiveStack, live_settings
from components.config.cloud import read_confluent
from components.config.stack import SLOTS, read_generations
from components.config.topics import read_topics
from components.package.arguments import ComponentArguments
from components.package.wire import KafkaAccess, kafka_access

KEYS = {
    "environment": "confluentEnvironment",
    "cluster_name": "confluentClusterName",
    "cluster_type": "confluentClusterType",
    "cloud": "confluentCloud",
    "region": "confluentRegion",
    "availability": "confluentAvailability",
    "cku": "confluentCku",
    "schema_registry": "schemaRegistry",
    "topics": "topics",
    "api_key_slot": "apiKeySlot",
    "api_key_generations": "apiKeyGenerations",
    "protect": "protect",
    "retain": "retain",
}


class Topic(TypedDict):
    """A topic to make."""

    name: str
    """The name on the cluster."""
    partitions: NotRequired[int]
    """How many there are, 1 by default."""
    config: NotRequired[dict[str, str]]
    """Settings of the topic, by their names in Kafka."""


class ConfluentKafkaInputs(TypedDict, total=False):
    """The arguments; what is left out has the default of its key in docs/reference/config.md."""

    environment: str
    """Name of the environment that is made."""
    cluster_name: str
    """Name of the cluster."""
    cluster_type: str
    """`basic`, `standard` or `dedicated`."""
    cloud: str
    """`AWS`, `GCP` or `AZURE`."""
    region: str
    """A region of that cloud."""
    availability: str
    """`single-zone` or `multi-zone`."""
    cku: int
    """Size of a dedicated cluster."""
    schema_registry: bool
    """Whether there is a schema registry, and a key for it."""
    topics: Required[list[Topic]]
    """The topics, at least one."""
    api_key_slot: str
    """Which of the two API keys is in use, `a` or `b`."""
    api_key_generations: dict[str, int]
    """How often each key was made anew, by slot."""
    protect: bool
    """Whether environment, cluster and topics are protected."""
    retain: bool
    """Whether topics stay when the component goes."""


class ConfluentKafka(_ConfluentKafka):
    """A Kafka cluster on Confluent Cloud in an environment of its own, with accounts, keys, topics
    and access rules.
    """

    access: KafkaAccess
    """Where it is, and the keys for it: for `GatewayRoutes` and `DataPlaneRelease`."""
    bootstrap_servers: pulumi.Output[str]
    """`host:port` of each server, separated by commas."""
    topic_names: pulumi.Output[dict[str, str]]
    """The topics by name, known once they are there."""

    def __init__(
        self, name: str, args: ConfluentKafkaInputs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        given = ComponentArguments(f"ConfluentKafka {name}", KEYS, args, platform="cloud")
        made = ConfluentKafkaArgs(
            cluster=read_confluent(given),
            topics=read_topics(given),
            api_key_slot=given.choice("apiKeySlot", SLOTS),
            api_key_generations=read_generations(given),
            protect=given.boolean("protect"),
            retain=given.boolean("retain"),
            live_settings=live_settings(LiveStack.of_this_run()),
        )
        given.done()
        super().__init__(name, made, opts)
        found = self.endpoint
        self.access = kafka_access(found)
        self.bootstrap_servers = found.server_list
        self.topic_names = pulumi.Output.all(**found.topics)
