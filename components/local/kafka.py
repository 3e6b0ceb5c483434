# SPDX-License-Identifier: Apache-2.0
"""Apache Kafka as a process on this machine, with its keys, topics and access rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from components.config.local import Ports, port_key
from components.config.stack import SLOTS
from components.config.topics import TopicConfig
from components.endpoints import READER_GROUP_PREFIX, HybridIdentity, KafkaEndpoint
from components.local.broker_config import BrokerConfig, server_properties
from components.local.layout import KAFKA_LIBS, LOOPBACK, ROOT, STATE
from provider.client import Credential, KafkaAcl, KafkaTopic, Process


@dataclass(frozen=True)
class LocalKafkaArgs:
    """What the broker needs: ports, certificate, topics, and which key slot is in use."""

    ports: Ports
    identity: HybridIdentity
    topics: tuple[TopicConfig, ...]
    api_key_slot: str
    api_key_generations: Mapping[str, int]
    broker_config: Mapping[str, str] = field(default_factory=dict)


class LocalKafka(pulumi.ComponentResource):
    """A KRaft broker on loopback, SASL_SSL with access rules, closed by default.

    The broker knows two API keys. The gateway uses one slot; switching to the other needs no
    restart. The admin key makes topics and rules, the reader key reads for the command line.
    """

    def __init__(
        self, name: str, args: LocalKafkaArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kafka-gateway:local:LocalKafka", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self.admin = Credential(f"{name}-admin", prefix="admin", opts=self._child)
        self.reader = Credential(f"{name}-reader", prefix="reader", opts=self._child)
        self.api_keys = {
            slot: Credential(
                f"{name}-api-key-{slot}",
                prefix="api",
                keepers={"generation": str(args.api_key_generations[slot])},
                opts=self._child,
            )
            for slot in SLOTS
        }
        self.process = self._broker(name, args)
        self._admin_endpoint = self._endpoint_of_admin(args)
        topics = {topic.name: self._topic(name, topic) for topic in args.topics}
        for topic in args.topics:
            self._rules(name, topic.name)
        self._rule(
            f"{name}-reader-groups", self.reader, "group", READER_GROUP_PREFIX, "read", "prefixed"
        )
        key = self.api_keys[args.api_key_slot]
        self.endpoint = KafkaEndpoint(
            bootstrap_servers=self.process.running.apply(
                lambda _: [{"host": LOOPBACK, "port": args.ports.kafka}]
            ),
            ca_pem=args.identity.ca_pem,
            api_key=key.key,
            api_secret=key.secret,
            reader_key=self.reader.key,
            reader_secret=self.reader.secret,
            topics={topic: resource.topic_name for topic, resource in topics.items()},
        )
        self.register_outputs({"bootstrapServers": self.endpoint.bootstrap_servers})

    def _broker(self, name: str, args: LocalKafkaArgs) -> Process:
        directory = STATE / "kafka"
        ports = args.ports
        users = {"admin": self.admin, "reader": self.reader}
        users |= {f"api_{slot}": key for slot, key in self.api_keys.items()}
        secrets: dict[str, Any] = {user: (key.key, key.secret) for user, key in users.items()}

        def properties(known: dict[str, Any]) -> str:
            return server_properties(
                BrokerConfig(
                    data_dir=str(directory / "data"),
                    config_dir=str(directory),
                    port=ports.kafka,
                    controller_port=ports.kafka_controller,
                    admin=tuple(known["admin"]),
                    users=tuple(tuple(known[user]) for user in sorted(known) if user != "admin"),
                    extra=tuple(args.broker_config.items()),
                )
            )

        return Process(
            name,
            name=name,
            directory=str(directory),
            command=[
                str(ROOT / "components" / "local" / "start-broker"),
                str(KAFKA_LIBS),
                str(directory / "server.properties"),
                str(directory / "data"),
            ],
            environment={},
            files={
                "server.properties": pulumi.Output.all(**secrets).apply(properties),
                "broker.crt": args.identity.certificate_pem,
                "broker.key": args.identity.private_key_pem,
                "ca.crt": args.identity.ca_pem,
            },
            ports={k: getattr(ports, k) for k in ("kafka", "kafka_controller")},
            port_keys={k: port_key(k) for k in ("kafka", "kafka_controller")},
            ready={"kind": "tcp", "port": ports.kafka, "timeoutSeconds": 60},
            stop_timeout_seconds=20,
            digest="",
            remove_directory=True,
            opts=self._child,
        )

    def _endpoint_of_admin(self, args: LocalKafkaArgs) -> Mapping[str, pulumi.Input[Any]]:
        server = f"{LOOPBACK}:{args.ports.kafka}"
        return {
            "bootstrapServers": self.process.running.apply(lambda _: server),
            "caPem": args.identity.ca_pem,
            "user": self.admin.key,
            "password": self.admin.secret,
            "mechanism": "PLAIN",
        }

    def _on_broker(self) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, deleted_with=self.process)

    def _topic(self, name: str, topic: TopicConfig) -> KafkaTopic:
        return KafkaTopic(
            f"{name}-{topic.name}",
            endpoint=self._admin_endpoint,
            name=topic.name,
            partitions=topic.partitions,
            replication_factor=1,
            config=topic.config,
            opts=self._on_broker(),
        )

    def _rules(self, name: str, topic: str) -> None:
        # Who may write or read may also describe: org.apache.kafka.metadata.authorizer says so.
        for slot, key in self.api_keys.items():
            self._rule(f"{name}-{topic}-api-{slot}-write", key, "topic", topic, "write", "literal")
        rule = f"{name}-{topic}-reader-read"
        self._rule(rule, self.reader, "topic", topic, "read", "literal")

    def _rule(
        self, name: str, user: Credential, kind: str, on: str, operation: str, pattern: str
    ) -> None:
        KafkaAcl(
            name,
            endpoint=self._admin_endpoint,
            principal=user.key.apply(lambda key: f"User:{key}"),
            resource_type=kind,
            resource_name=on,
            pattern_type=pattern,
            operation=operation,
            permission="allow",
            host="*",
            opts=self._on_broker(),
        )
