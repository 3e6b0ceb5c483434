# SPDX-License-Identifier: Apache-2.0
"""What a stack on this machine is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from components.config.reader import ConfigReader
from components.config.topics import TopicConfig, read_topics

LOG_LEVELS = ("debug", "info", "notice", "warn", "error", "crit")
SLOTS = ("a", "b")


@dataclass(frozen=True)
class Ports:
    """Every port of the local stack; the config key is the field's name in camel case."""

    proxy: int
    proxy_tls: int
    admin: int
    cluster: int
    status: int
    control_plane_status: int
    kafka: int
    kafka_controller: int


@dataclass(frozen=True)
class LocalConfig:
    """A stack as processes on this machine."""

    stack: str
    ports: Ports
    topics: tuple[TopicConfig, ...]
    routes: str
    api_key_slot: str
    api_key_generations: Mapping[str, int]
    workers: int
    log_level: str


def port_key(field: str) -> str:
    """Return the config key of a port: ``proxy_tls`` to ``proxyTlsPort``."""
    first, *rest = field.split("_")
    return first + "".join(part.title() for part in rest) + "Port"


def read_local(reader: ConfigReader) -> LocalConfig:
    """Take the local stack's values; raises ``ConfigError`` with every problem."""
    config = LocalConfig(
        stack=reader.stack,
        ports=_ports(reader),
        topics=read_topics(reader),
        routes=reader.text("routes") or f"stacks/gateway/{reader.stack}.yaml",
        api_key_slot=reader.choice("apiKeySlot", SLOTS, "a"),
        api_key_generations=read_generations(reader),
        workers=reader.integer("workers", 1, 256, 2),
        log_level=reader.choice("logLevel", LOG_LEVELS, "notice"),
    )
    reader.done()
    return config


def _ports(reader: ConfigReader) -> Ports:
    names = list(Ports.__dataclass_fields__)
    ports = Ports(**{name: reader.integer(port_key(name), 1, 65535) for name in names})
    used: dict[int, str] = {}
    for name, port in asdict(ports).items():
        if port in used:
            reader.problem(port_key(name), f"{port} is also {port_key(used[port])}")
        used.setdefault(port, name)
    return ports


def read_generations(reader: ConfigReader) -> Mapping[str, int]:
    """Take the generation of each key slot."""
    given = reader.structure("apiKeyGenerations", {})
    for slot in sorted(set(given) - set(SLOTS)):
        reader.problem(f"apiKeyGenerations.{slot}", "unknown slot; allowed: a, b")
    found = {}
    for slot in SLOTS:
        number = given.get(slot, 1)
        if isinstance(number, bool) or not isinstance(number, int | float) or number < 1:
            reader.problem(f"apiKeyGenerations.{slot}", f"{number!r} is not a number from 1")
            number = 1
        found[slot] = int(number)
    return found
