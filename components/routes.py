# SPDX-License-Identifier: Apache-2.0
"""The routes: a decK file, checked before anything is registered, published as one document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi

from components.config.stack import StackConfig
from components.endpoints import ControlPlaneEndpoint, KafkaEndpoint
from components.options import child_options
from gateway.documents.deck import load_deck
from gateway.documents.document import check_document
from gateway.documents.placeholders import (
    BOOTSTRAP_SERVERS,
    SCHEMA_REGISTRY,
    STACK_NAME,
    TOPICS,
)
from gateway.documents.tree import Tree
from gateway.errors import DocumentError
from gateway.names.spelling import choices
from gateway.plugins.warnings import configuration_warnings, looks_for_records
from gateway.settings.compatibility import OLDER, use_version
from provider.client import Configuration

ROOT = Path(__file__).resolve().parents[1]
_OWN_BROKER = "kafka.of-this-stack.invalid"
"""Stands for the stack's brokers while the file is checked."""


@dataclass(frozen=True)
class GatewayRoutesArgs:
    """What the routes need: the stack's file, where to publish it, what placeholders stand for."""

    config: StackConfig
    control_plane: ControlPlaneEndpoint
    kafka: KafkaEndpoint


class GatewayRoutes(pulumi.ComponentResource):
    """All entities of one routes file as one ``Configuration``, switched as a whole."""

    def __init__(
        self, name: str, args: GatewayRoutesArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("kafka-gateway:routes:GatewayRoutes", name, None, opts)
        kafka, config = args.kafka, args.config
        version = config.compatibility_version
        registry = kafka.schema_registry.url if kafka.schema_registry else None
        filled_in = placeholders(config.stack, kafka.bootstrap_servers, kafka.topics, registry)
        document = load_deck(ROOT / config.routes, filled_in)
        self.configuration = Configuration(
            name,
            admin=_admin(args.control_plane),
            owner=f"stack-{config.stack}",
            document=document,
            # A default is not said: what is recorded of a stack would change.
            compatibility_version=None if version == OLDER else version,
            opts=child_options(self, opts),
        )
        self.register_outputs({"release": self.configuration.release})


def _admin(control_plane: ControlPlaneEndpoint) -> dict[str, Any]:
    admin: dict[str, Any] = {"url": control_plane.admin_url, "token": control_plane.admin_token}
    if control_plane.kind != "own":
        admin["kind"] = control_plane.kind
    if control_plane.forward is not None:
        admin["forward"] = control_plane.forward
    return admin


def placeholders(
    stack: str, servers: object, topics: Mapping[str, object], registry: object = None
) -> Mapping[str, Any]:
    """Return what a routes file may refer to: a closed list; ``registry`` is a URL or None."""
    named = {TOPICS + topic: name for topic, name in topics.items()}
    if registry is not None:
        named[SCHEMA_REGISTRY] = registry
    return {BOOTSTRAP_SERVERS: servers, STACK_NAME: stack, **named}


def check_routes(config: StackConfig) -> None:
    """Check the routes file with the gateway's own models, before anything is registered.

    Raises ``pulumi.RunError`` with every problem: file, path, what is allowed.
    """
    servers = [{"host": _OWN_BROKER, "port": 9092}]
    topics = {topic: topic for topic in config.topic_names}
    registry = "https://registry.example.com" if config.has_registry else None
    stand_ins = placeholders(config.stack, servers, topics, registry)
    use_version(config.compatibility_version)
    try:
        document = load_deck(ROOT / config.routes, stand_ins)
        table = check_document(document)
        if config.makes_topics:
            _check_topics(document, config)
    except DocumentError as error:
        source = "" if error.source else f"{config.routes}: "
        lines = str(error).splitlines()
        raise pulumi.RunError("\n".join(f"{source}{line}" for line in lines)) from None
    for text in configuration_warnings(table):
        pulumi.log.warn(f"{config.routes}: {text}")
    if config.makes_topics and _reads_with_own_key(table, config):
        pulumi.log.warn(
            f"{config.routes}: the stack's key may write its topics and not read them, so nothing "
            "is found of a request under an idempotency key that was cut off: name credentials "
            "in the plugin that writes which may do both, or leave it to unknown_outcome"
        )


def _reads_with_own_key(table: Mapping[str, Any], stack: StackConfig) -> bool:
    """Tell whether topics of the stack's own Kafka would be read with its key."""
    rows = [row for row in table.get("plugins", ()) if row.get("enabled") is not False]
    own = {f"{_OWN_BROKER}:9092", *stack.broker_addresses}
    key = "{vault://env/KAFKA_API_KEY}"
    return any(looks_for_records(row) for row in rows) and any(
        key in str(row["config"]) and not own.isdisjoint(map(_address, _servers(row)))
        for row in rows
    )


def _servers(row: Mapping[str, Any]) -> list[Any]:
    servers = row["config"].get("bootstrap_servers")
    return servers if isinstance(servers, list) else []


def _check_topics(document: dict[str, Any], stack: StackConfig) -> None:
    """Refuse plugins that write to topics which the stack's own Kafka does not have.

    Each request would be a 502: the broker makes no topics by itself, and the key may not write
    to others.
    """
    own = {f"{_OWN_BROKER}:9092", *stack.broker_addresses}
    problems = []
    for node in Tree(document, "", None).nodes:
        config = node.data.get("config")
        if not isinstance(config, dict) or node.data.get("enabled") is False:
            continue
        servers = config.get("bootstrap_servers")
        if not isinstance(servers, list) or own.isdisjoint(map(_address, servers)):
            continue
        named = [("topic", config.get("topic"))]
        named += [
            (f"allowed_topics[{place}]", topic)
            for place, topic in enumerate(config.get("allowed_topics") or ())
        ]
        problems += [
            f"{node.path}.config.{field}: the stack has no topic {topic!r}; "
            f"{choices(topic, stack.topic_names)}, or add it to the stack's topics"
            for field, topic in named
            if isinstance(topic, str) and topic not in stack.topic_names
        ]
    if problems:
        raise DocumentError(problems)


def _address(server: Any) -> str:
    return f"{server.get('host')}:{server.get('port')}" if isinstance(server, dict) else ""
