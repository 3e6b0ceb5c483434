# SPDX-License-Identifier: Apache-2.0
"""Kafka on Confluent Cloud: environment, cluster, accounts, keys, topics and access rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_confluentcloud as confluent

from components.cloud.schema_registry import make_registry_key
from components.config.cloud import ConfluentConfig
from components.config.secret import secret
from components.config.stack import SLOTS
from components.config.topic_settings import with_defaults
from components.config.topics import TopicConfig
from components.endpoints import READER_GROUP_PREFIX, KafkaEndpoint

# Of calls that Confluent says are too many: its default, 4, ends a stack of many topics half-way.
MAX_RETRIES = 10
# A key is polled until every Kafka node knows it: minutes. A dedicated cluster takes hours.
KEY_TIMEOUTS = pulumi.CustomTimeouts(create="15m")
CLUSTER_TIMEOUTS = {
    "basic": pulumi.CustomTimeouts(create="30m", delete="30m"),
    "standard": pulumi.CustomTimeouts(create="30m", delete="30m"),
    "dedicated": pulumi.CustomTimeouts(create="24h", delete="3h"),
}
# What an application may do with its topics, and the command line with the same ones.
WRITER_OPERATIONS = ("WRITE", "DESCRIBE")
READER_OPERATIONS = ("READ", "DESCRIBE")


@dataclass(frozen=True)
class ConfluentKafkaArgs:
    """What to make: the cluster, its topics, and which of the two API keys the gateway uses.

    ``live_settings`` are those that topics have already, by the topic's name.
    """

    cluster: ConfluentConfig
    topics: tuple[TopicConfig, ...]
    api_key_slot: str
    api_key_generations: Mapping[str, int]
    protect: bool
    retain: bool
    live_settings: Mapping[str, Mapping[str, str]]


class ConfluentKafka(pulumi.ComponentResource):
    """A cluster in an environment of its own.

    The admin account's key makes topics and rules, through a provider of its own that holds it:
    kept in the topics instead, a rotated key would lock every later refresh out (its credentials
    come from the state). The application account writes its topics and nothing else, the reader
    account reads them for the command line.
    """

    def __init__(
        self, name: str, args: ConfluentKafkaArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kafka-gateway:confluent:ConfluentKafka", name, None, opts)
        self._name, self._args = name, args
        self.provider = confluent.Provider(
            f"{name}-confluent", max_retries=MAX_RETRIES, opts=pulumi.ResourceOptions(parent=self)
        )
        self.environment = self._environment()
        self.cluster = self._cluster()
        admin = self._admin_key()
        self._in_cluster = self._cluster_options(admin)
        self.topics = {topic.name: self._topic(topic) for topic in args.topics}
        writer = self._account("application", "writes the topics of the gateway's routes")
        self.api_keys = {slot: self._slot_key(slot, writer) for slot in SLOTS}
        reader = self._account("reader", "reads the topics for the command line")
        self.reader_key = self._key("reader", reader)
        self._registry = None
        if args.cluster.schema_registry:
            self._registry = make_registry_key(
                name, self.environment, self.cluster, writer, self._options
            )
        for topic in args.topics:
            self._rules("application", writer, topic.name, WRITER_OPERATIONS)
            self._rules("reader", reader, topic.name, READER_OPERATIONS)
        self._rule(
            f"{name}-reader-groups", reader, "GROUP", READER_GROUP_PREFIX, "READ", "PREFIXED"
        )
        self.endpoint = self._endpoint()
        self.register_outputs({"bootstrapServers": self.endpoint.bootstrap_servers})

    def _options(self, **more: object) -> pulumi.ResourceOptions:
        own = pulumi.ResourceOptions(parent=self, provider=self.provider)
        return pulumi.ResourceOptions.merge(own, pulumi.ResourceOptions(**more))  # type: ignore[arg-type]  # the caller's keywords are its own

    def _environment(self) -> confluent.Environment:
        governance = {"package": "ESSENTIALS"} if self._args.cluster.schema_registry else None
        return confluent.Environment(
            f"{self._name}-environment",
            display_name=self._args.cluster.environment,
            stream_governance=governance,  # type: ignore[arg-type]  # a mapping does as well
            opts=self._options(protect=self._args.protect),
        )

    def _cluster(self) -> confluent.KafkaCluster:
        wanted = self._args.cluster
        kinds: dict[str, Any] = {"basic": {}, "standard": {}, "dedicated": {"cku": wanted.cku}}
        return confluent.KafkaCluster(
            f"{self._name}-cluster",
            display_name=wanted.cluster_name,
            cloud=wanted.cloud,
            region=wanted.region,
            availability=availability(wanted.availability),
            environment={"id": self.environment.id},
            # Exactly one of the three blocks.
            **{wanted.cluster_type: kinds[wanted.cluster_type]},
            opts=self._options(
                protect=self._args.protect,
                custom_timeouts=CLUSTER_TIMEOUTS[wanted.cluster_type],
            ),
        )

    def _account(self, role: str, purpose: str) -> confluent.ServiceAccount:
        # The name is unique in the organisation, so it carries the stack.
        return confluent.ServiceAccount(
            f"{self._name}-{role}",
            display_name=f"kafka-gateway-{pulumi.get_stack()}-{role}",
            description=f"kafka-gateway, stack {pulumi.get_stack()}: {purpose}",
            opts=self._options(),
        )

    def _admin_key(self) -> confluent.ApiKey:
        account = self._account("admin", "makes topics and access rules")
        binding = confluent.RoleBinding(
            f"{self._name}-admin",
            principal=account.id.apply(lambda identity: f"User:{identity}"),
            role_name="CloudClusterAdmin",
            crn_pattern=self.cluster.rbac_crn,
            # A second binding of the same role to the same account is refused.
            opts=self._options(delete_before_replace=True, deleted_with=self.cluster),
        )
        # Without the binding first, the key's first topic is a 403 (pulumi/pulumi#12078).
        return self._key("admin", account, depends_on=[binding])

    def _slot_key(self, slot: str, account: confluent.ServiceAccount) -> confluent.ApiKey:
        """Return one of the gateway's two keys; raising its generation makes a new one.

        The name carries the generation: the new key is there before the old one goes.
        """
        generation = self._args.api_key_generations[slot]
        return self._key(f"api-{slot}-{generation}", account)

    def _key(
        self,
        role: str,
        account: confluent.ServiceAccount,
        depends_on: Sequence[pulumi.Resource] = (),
    ) -> confluent.ApiKey:
        return confluent.ApiKey(
            f"{self._name}-{role}-key",
            display_name=f"kafka-gateway-{pulumi.get_stack()}-{role}",
            owner={"id": account.id, "api_version": account.api_version, "kind": account.kind},
            managed_resource={
                "id": self.cluster.id,
                "api_version": self.cluster.api_version,
                "kind": self.cluster.kind,
                "environment": {"id": self.environment.id},
            },
            opts=self._options(
                depends_on=list(depends_on),
                deleted_with=self.cluster,
                custom_timeouts=KEY_TIMEOUTS,
                additional_secret_outputs=["secret"],
            ),
        )

    def _cluster_options(self, admin: confluent.ApiKey) -> pulumi.ResourceOptions:
        provider = confluent.Provider(
            f"{self._name}-cluster-admin",
            kafka_id=self.cluster.id,
            kafka_rest_endpoint=self.cluster.rest_endpoint,
            kafka_api_key=admin.id,
            kafka_api_secret=secret(admin.secret),
            max_retries=MAX_RETRIES,
            opts=pulumi.ResourceOptions(parent=self),
        )
        return pulumi.ResourceOptions(
            parent=self,
            provider=provider,
            deleted_with=self.cluster,
            # The cluster is in the provider, not in the resource: a new one means new topics.
            replace_with=[self.cluster],
        )

    def _topic(self, topic: TopicConfig) -> confluent.KafkaTopic:
        return confluent.KafkaTopic(
            f"{self._name}-topic-{topic.name}",
            topic_name=topic.name,
            partitions_count=topic.partitions,
            config=with_defaults(topic.config, self._args.live_settings.get(topic.name, {})),
            opts=pulumi.ResourceOptions.merge(
                self._in_cluster,
                pulumi.ResourceOptions(
                    protect=self._args.protect, retain_on_delete=self._args.retain
                ),
            ),
        )

    def _rules(
        self,
        role: str,
        account: confluent.ServiceAccount,
        topic: str,
        operations: tuple[str, ...],
    ) -> None:
        for operation in operations:
            label = f"{self._name}-{role}-{operation.lower()}-{topic}"
            self._rule(label, account, "TOPIC", topic, operation, "LITERAL")

    def _rule(
        self,
        label: str,
        account: confluent.ServiceAccount,
        resource_type: str,
        resource_name: str,
        operation: str,
        pattern: str,
    ) -> None:
        confluent.KafkaAcl(
            label,
            resource_type=resource_type,
            resource_name_=resource_name,
            pattern_type=pattern,
            principal=account.id.apply(lambda identity: f"User:{identity}"),
            host="*",
            operation=operation,
            permission="ALLOW",
            opts=self._in_cluster,
        )

    def _endpoint(self) -> KafkaEndpoint:
        key = self.api_keys[self._args.api_key_slot]
        return KafkaEndpoint(
            bootstrap_servers=self.cluster.bootstrap_endpoint.apply(bootstrap_servers),
            ca_pem=None,
            api_key=key.id,
            api_secret=secret(key.secret),
            reader_key=self.reader_key.id,
            reader_secret=secret(self.reader_key.secret),
            topics={name: topic.topic_name for name, topic in self.topics.items()},
            schema_registry=self._registry,
        )


def availability(text: str) -> str:
    """Return Confluent's spelling: ``single-zone`` is SINGLE_ZONE there."""
    return text.upper().replace("-", "_")


def bootstrap_servers(endpoint: str) -> list[dict[str, str | int]]:
    """Return host and port of each server in ``SASL_SSL://host:9092`` or ``host:9092,host:9093``.

    Clients want no scheme, and numbers that went through Pulumi would come back as floats.
    """
    servers = [item.rpartition("://")[2].rpartition(":") for item in endpoint.split(",")]
    return [{"host": host, "port": int(port)} for host, _, port in servers]
