# SPDX-License-Identifier: Apache-2.0
"""What every stack has, on this machine and in the cloud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from components.config.reader import ConfigReader
from components.config.secret import Secret
from components.config.secrets import read_secrets
from components.config.topics import TopicConfig, read_topics
from gateway.settings.compatibility import OLDER, VERSIONS
from gateway.settings.settings import env_name

LOG_LEVELS = ("debug", "info", "notice", "warn", "error", "crit")
SLOTS = ("a", "b")
"""The two API keys: one is in use, the other can be made anew meanwhile."""


@dataclass(frozen=True)
class StackConfig:
    """Topics, routes and keys; ``routes`` is a file relative to the project."""

    stack: str
    topics: tuple[TopicConfig, ...]
    routes: str
    api_key_slot: str
    api_key_generations: Mapping[str, int]
    log_level: str
    compatibility_version: str
    secrets: Mapping[str, Secret]

    @property
    def topic_names(self) -> tuple[str, ...]:
        """The names of its topics, in their order."""
        return tuple(topic.name for topic in self.topics)

    @property
    def has_registry(self) -> bool:
        """Whether the stack's Kafka comes with a schema registry."""
        return False

    @property
    def makes_topics(self) -> bool:
        """Whether the stack's Kafka has its topics and no others."""
        return True

    @property
    def broker_addresses(self) -> tuple[str, ...]:
        """Addresses of the stack's brokers that are known before they run, ``host:port``."""
        return ()


def version_environment(version: str) -> Mapping[str, str]:
    """Return the variables of a gateway with this compatibility version: none for the default."""
    return {} if version == OLDER else {env_name("compatibility_version"): version}


def read_stack(reader: ConfigReader) -> StackConfig:
    """Take what every stack has; problems are the reader's to raise."""
    return StackConfig(
        stack=reader.stack,
        topics=read_topics(reader),
        routes=reader.text("routes") or f"stacks/gateway/{reader.stack}.yaml",
        api_key_slot=reader.choice("apiKeySlot", SLOTS),
        api_key_generations=read_generations(reader),
        log_level=reader.choice("logLevel", LOG_LEVELS),
        compatibility_version=reader.choice("compatibilityVersion", VERSIONS),
        secrets=read_secrets(reader),
    )


def read_generations(reader: ConfigReader) -> Mapping[str, int]:
    """Take the generation of each key slot."""
    given = reader.structure("apiKeyGenerations")
    for slot in sorted(set(given) - set(SLOTS)):
        reader.problem(f"apiKeyGenerations.{slot}", "unknown slot; allowed: a, b")
    found = {}
    for slot in SLOTS:
        number = given.get(slot, 1)
        if isinstance(number, float) and number.is_integer():
            # The engine hands numbers over as they come, 4 as 4.0.
            number = int(number)
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            reader.problem(f"apiKeyGenerations.{slot}", f"{number!r} is not a whole number from 1")
            number = 1
        found[slot] = number
    return found
