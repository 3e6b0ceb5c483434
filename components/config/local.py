# SPDX-License-Identifier: Apache-2.0
"""What a stack on this machine is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from components.config.broker_settings import read_broker_config
from components.config.pods import MOST_WORKERS
from components.config.reader import ConfigReader
from components.config.stack import StackConfig, read_stack


@dataclass(frozen=True)
class Ports:
    """Every port of the local stack; the config key is the field's name in camel case."""

    proxy: int
    proxy_tls: int
    admin: int
    admin_gui: int
    cluster: int
    status: int
    control_plane_status: int
    kafka: int
    kafka_controller: int


@dataclass(frozen=True)
class LocalConfig(StackConfig):
    """A stack as processes on this machine."""

    ports: Ports
    workers: int
    broker_config: Mapping[str, str] = field(default_factory=dict)

    @property
    def broker_addresses(self) -> tuple[str, ...]:
        """What a routes file may call the broker."""
        return (f"127.0.0.1:{self.ports.kafka}", f"localhost:{self.ports.kafka}")


def port_key(field: str) -> str:
    """Return the config key of a port: ``proxy_tls`` to ``proxyTlsPort``."""
    first, *rest = field.split("_")
    return first + "".join(part.title() for part in rest) + "Port"


def read_local(reader: ConfigReader) -> LocalConfig:
    """Take the local stack's values; raises ``ConfigError`` with every problem."""
    config = LocalConfig(
        **vars(read_stack(reader)),
        ports=read_ports(reader),
        workers=reader.integer("workers", 0, MOST_WORKERS),
        broker_config=read_broker_config(reader),
    )
    reader.done()
    return config


def read_ports(reader: ConfigReader) -> Ports:
    """Take every port; one that is named twice is a problem."""
    names = list(Ports.__dataclass_fields__)
    ports = Ports(**{name: reader.integer(port_key(name), 1, 65535) for name in names})
    used: dict[int, str] = {}
    for name, port in asdict(ports).items():
        if port in used:
            reader.problem(port_key(name), f"{port} is also {port_key(used[port])}")
        used.setdefault(port, name)
    return ports
