# SPDX-License-Identifier: Apache-2.0
"""The topics of a stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from components.config.broker_settings import setting_text
from components.config.reader import ConfigReader
from components.config.topic_settings import (
    CONFLUENT_SETTINGS,
    KAFKA_SETTINGS,
    TopicSetting,
    setting_problem,
)
from gateway.names.addresses import topic_problem

FIELDS = ("name", "partitions", "config")


@dataclass(frozen=True)
class TopicConfig:
    """One topic: its name, partition count and broker settings (all texts)."""

    name: str
    partitions: int = 1
    config: Mapping[str, str] = field(default_factory=dict)


def read_topics(reader: ConfigReader) -> tuple[TopicConfig, ...]:
    """Take ``topics``; a wrong one is a problem that names its place in the list."""
    found = [_topic(reader, n, item) for n, item in enumerate(reader.structure("topics"))]
    topics = tuple(topic for topic in found if topic is not None)
    names = [topic.name for topic in topics]
    for name in sorted({name for name in names if names.count(name) > 1}):
        reader.problem("topics", f"{name!r} is named twice")
    for name, other in _colliding(sorted(set(names))):
        text = f"{name!r} and {other!r} cannot stand side by side: Kafka's metrics, where . is _, "
        reader.problem("topics", f"{text}would mix them up, so brokers refuse the second")
    if not found:
        reader.problem("topics", "there is none; the gateway needs at least one to write to")
    return topics


def _colliding(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return pairs that brokers take for one (Kafka's ``Topic.hasCollision``)."""
    first: dict[str, str] = {}
    pairs = []
    for name in names:
        other = first.setdefault(name.replace(".", "_"), name)
        if other != name:
            pairs.append((other, name))
    return pairs


def _topic(reader: ConfigReader, position: int, item: Any) -> TopicConfig | None:
    where = f"topics[{position}]"
    if not isinstance(item, dict):
        reader.problem(where, f"{item!r} is not a mapping with {', '.join(FIELDS)}")
        return None
    for key in sorted(set(item) - set(FIELDS)):
        reader.problem(f"{where}.{key}", f"unknown field; allowed: {', '.join(FIELDS)}")
    name, partitions, config = item.get("name"), item.get("partitions", 1), item.get("config", {})
    problem = topic_problem(name) if isinstance(name, str) else f"{name!r} is no text"
    if not isinstance(name, str) or problem:
        reader.problem(f"{where}.name", problem)
        return None
    if isinstance(partitions, float) and partitions.is_integer():
        partitions = int(partitions)
    if isinstance(partitions, bool) or not isinstance(partitions, int) or partitions < 1:
        reader.problem(f"{where}.partitions", f"{partitions!r} is not a whole number from 1")
        return None
    if not isinstance(config, dict):
        reader.problem(f"{where}.config", f"{config!r} is not a mapping of broker settings")
        return None
    texts = {key: setting_text(value) for key, value in sorted(config.items())}
    allowed = _settings(reader)
    for key, value in texts.items():
        if problem := setting_problem(key, value, allowed):
            reader.problem(f"{where}.config.{key}", problem)
    return TopicConfig(name, partitions, texts)


def _settings(reader: ConfigReader) -> Mapping[str, TopicSetting]:
    """Return what a topic may be set to where the stack's Kafka is."""
    if reader.text("platform") == "local":
        return KAFKA_SETTINGS
    if reader.text("kafka") == "confluent":
        return CONFLUENT_SETTINGS
    # Not ours to make: whichever it is.
    return {**KAFKA_SETTINGS, **CONFLUENT_SETTINGS}
