# SPDX-License-Identifier: Apache-2.0
"""A Kafka cluster on Confluent Cloud: environment, cluster, accounts, keys, topics, access rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_confluentcloud as confluent

from components.config.cloud import ConfluentConfig
from components.config.local import SLOTS
from components.config.topics import TopicConfig
from components.endpoints import KafkaEndpoint

CLUSTER_TIMES = pulumi.CustomTimeouts(create="60m", update="60m", delete="60m")
# A key takes minutes to be accepted everywhere; the provider polls until it is.
KEY_TIMES = pulumi.CustomTimeouts(create="10m")
AVAILABILITY = {"single-zone": "SINGLE_ZONE", "multi-zone": "MULTI_ZONE"}


@dataclass(frozen=True)
class ConfluentKafkaArgs:
    """What the cluster is to be like."""

    stack: str
    config: ConfluentConfig
    topics: tuple[TopicConfig, ...]
    api_key_slot: str
    api_key_generations: Mapping[str, int]
    protect: bool
    retain: bool


class ConfluentKafka(pulumi.ComponentResource):
    """A cluster with the keys that its users need and no more.

    An administrator's key makes topics and rules. The application's account may write its topics;
    it has two key slots, so that a key is rotated by making the other one first. The reader's
    account may read them. The provider signs in with CONFLUENT_CLOUD_API_KEY and _SECRET.
    """

    def __init__(
        self, name: str, args: ConfluentKafkaArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kafka-gateway:confluent:ConfluentKafka", name, None, opts)
        self._name, self._args = name, args
        self._provider = confluent.Provider(
            f"{name}-confluent", opts=pulumi.ResourceOptions(parent=self)
        )
        self.environment = self._environment()
        self.cluster = self._cluster()
        self._admin = self._administrator()
        self._topics = {topic.name: self._topic(topic) for topic in args.topics}
        self.endpoint = self._endpoint()
        self.schema_registry_url = self._schema_registry()
        self.register_outputs({"bootstrapServers": self.endpoint.bootstrap_servers})

    def _options(self, **more: object) -> pulumi.ResourceOptions:
        base = pulumi.ResourceOptions(parent=self, provider=self._provider)
        return pulumi.ResourceOptions.merge(base, pulumi.ResourceOptions(**more))  # type: ignore[arg-type]  # keyword arguments of the options themselves

    def _environment(self) -> confluent.Environment:
        # Essentials is the smaller of the two packages and the one without a fee of its own.
        governance = confluent.EnvironmentStreamGovernanceArgs(package="ESSENTIALS")
        return confluent.Environment(
            f"{self._name}-environment",
            display_name=self._args.config.environment,
            stream_governance=governance if self._args.config.schema_registry else None,
            opts=self._options(protect=self._args.protect),
        )

    def _cluster(self) -> confluent.KafkaCluster:
        config = self._args.config
        kinds = {
            "basic": {"basic": confluent.KafkaClusterBasicArgs()},
            "standard": {"standard": confluent.KafkaClusterStandardArgs()},
            "dedicated": {"dedicated": confluent.KafkaClusterDedicatedArgs(cku=config.cku)},
        }
        return confluent.KafkaCluster(
            f"{self._name}-cluster",
            display_name=config.cluster_name,
            availability=AVAILABILITY[config.availability],
            cloud=config.cloud,
            region=config.region,
            environment=confluent.KafkaClusterEnvironmentArgs(id=self.environment.id),
            **kinds[config.cluster_type],  # type: ignore[arg-type]  # exactly one of the type blocks
            opts=self._options(protect=self._args.protect, custom_timeouts=CLUSTER_TIMES),
        )

    # --- accounts and keys --------------------------------------------------------------------

    def _account(self, role: str, description: str) -> confluent.ServiceAccount:
        return confluent.ServiceAccount(
            f"{self._name}-{role}",
            display_name=f"kafka-gateway-{self._args.stack}-{role}",
            description=description,
            opts=self._options(),
        )

    def _key(
        self, suffix: str, account: confluent.ServiceAccount, *after: pulumi.Resource
    ) -> confluent.ApiKey:
        return confluent.ApiKey(
            f"{self._name}-{suffix}",
            display_name=f"kafka-gateway-{self._args.stack}-{suffix}",
            owner=confluent.ApiKeyOwnerArgs(
                id=account.id, api_version=account.api_version, kind=account.kind
            ),
            managed_resource=confluent.ApiKeyManagedResourceArgs(
                id=self.cluster.id,
                api_version=self.cluster.api_version,
                kind=self.cluster.kind,
                environment=confluent.ApiKeyManagedResourceEnvironmentArgs(id=self.environment.id),
            ),
            opts=self._options(depends_on=list(after), custom_timeouts=KEY_TIMES),
        )

    def _administrator(self) -> confluent.ApiKey:
        account = self._account("admin", "makes topics and access rules")
        binding = confluent.RoleBinding(
            f"{self._name}-admin-role",
            principal=account.id.apply(lambda id_: f"User:{id_}"),
            role_name="CloudClusterAdmin",
            crn_pattern=self.cluster.rbac_crn,
            opts=self._options(),
        )
        # Without the role the first topic is answered 403.
        return self._key("admin-key", account, binding)

    # --- topics and rules ---------------------------------------------------------------------

    def _topic(self, topic: TopicConfig) -> confluent.KafkaTopic:
        return confluent.KafkaTopic(
            f"{self._name}-{topic.name}",
            topic_name=topic.name,
            partitions_count=topic.partitions,
            config=dict(topic.config),
            kafka_cluster=confluent.KafkaTopicKafkaClusterArgs(id=self.cluster.id),
            rest_endpoint=self.cluster.rest_endpoint,
            credentials=confluent.KafkaTopicCredentialsArgs(
                key=self._admin.id, secret=self._admin.secret
            ),
            opts=self._options(
                protect=self._args.protect,
                retain_on_delete=self._args.retain,
                deleted_with=self.cluster,
            ),
        )

    def _rule(
        self, suffix: str, account: confluent.ServiceAccount, kind: str, on: str, operation: str
    ) -> confluent.KafkaAcl:
        return confluent.KafkaAcl(
            f"{self._name}-{suffix}",
            resource_type=kind,
            resource_name_=on,
            pattern_type="LITERAL",
            principal=account.id.apply(lambda id_: f"User:{id_}"),
            host="*",
            operation=operation,
            permission="ALLOW",
            kafka_cluster=confluent.KafkaAclKafkaClusterArgs(id=self.cluster.id),
            rest_endpoint=self.cluster.rest_endpoint,
            credentials=confluent.KafkaAclCredentialsArgs(
                key=self._admin.id, secret=self._admin.secret
            ),
            opts=self._options(deleted_with=self.cluster),
        )

    def _endpoint(self) -> KafkaEndpoint:
        writer = self._account("app", "writes the gateway's topics")
        reader = self._account("reader", "reads the gateway's topics for the command line")
        for topic in self._topics:
            self._rule(f"app-{topic}-write", writer, "TOPIC", topic, "WRITE")
            self._rule(f"app-{topic}-describe", writer, "TOPIC", topic, "DESCRIBE")
            self._rule(f"reader-{topic}-read", reader, "TOPIC", topic, "READ")
            self._rule(f"reader-{topic}-describe", reader, "TOPIC", topic, "DESCRIBE")
        self._rule("reader-groups", reader, "GROUP", "*", "READ")
        # A generation is part of the name: the new key is there before the old one goes.
        generations = self._args.api_key_generations
        keys = {slot: self._key(f"app-key-{slot}-{generations[slot]}", writer) for slot in SLOTS}
        reader_key = self._key("reader-key", reader)
        key = keys[self._args.api_key_slot]
        return KafkaEndpoint(
            bootstrap_servers=self.cluster.bootstrap_endpoint.apply(bootstrap_servers),
            ca_pem=None,
            api_key=key.id,
            api_secret=key.secret,
            reader_key=reader_key.id,
            reader_secret=reader_key.secret,
            topics={name: topic.topic_name for name, topic in self._topics.items()},
        )

    def _schema_registry(self) -> pulumi.Output[str] | None:
        if not self._args.config.schema_registry:
            return None
        # The registry comes with the environment's package, once its first cluster is there.
        found = self.cluster.id.apply(lambda _: self.environment.id).apply(
            lambda id_: confluent.get_schema_registry_cluster_output(
                environment=confluent.GetSchemaRegistryClusterEnvironmentArgs(id=id_),
                opts=pulumi.InvokeOptions(provider=self._provider),
            )
        )
        return found.rest_endpoint


def bootstrap_servers(endpoint: str) -> list[dict[str, str | int]]:
    """Split Confluent's ``SASL_SSL://host:port`` into what a plugin's configuration takes."""
    host, _, port = endpoint.removeprefix("SASL_SSL://").rpartition(":")
    return [{"host": host, "port": int(port)}]
