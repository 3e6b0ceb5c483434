# SPDX-License-Identifier: Apache-2.0
"""The broker's ``server.properties``: one KRaft node on loopback, password required.

Pure text in, text out. The result holds passwords, so the file it becomes is readable by its owner
only and nothing of it stands on a command line. Certificates are not in it: the broker reads them
from ``config_dir`` (``broker.crt`` with its chain, ``broker.key`` in PKCS #8, ``ca.crt``) through
Kafka's directory config provider, so that they can be changed without touching this file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LOOPBACK = "127.0.0.1"
_LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule"
_DIRECTORY = "org.apache.kafka.common.config.provider.DirectoryConfigProvider"


@dataclass(frozen=True)
class BrokerConfig:
    """What a broker's configuration is made of.

    ``admin`` and ``users`` are pairs of name and password. ``admin`` is super user, speaks for
    the broker itself on both listeners and comes first in the file. Each of ``users`` may do
    what access rules allow and nothing else. ``extra`` are further settings, which win.
    """

    data_dir: str
    config_dir: str
    port: int
    controller_port: int
    admin: tuple[str, str]
    users: Sequence[tuple[str, str]] = ()
    host: str = LOOPBACK
    node_id: int = 1
    extra: Sequence[tuple[str, str]] = ()


def server_properties(config: BrokerConfig) -> str:
    """Return the text of ``server.properties``; it is the same for the same ``config``."""
    settings = {
        **_node(config),
        **_tls(config),
        **_sasl(config),
        **_single_node(),
        **dict(config.extra),
    }
    return "".join(f"{name}={_escape(value)}\n" for name, value in settings.items())


def _node(config: BrokerConfig) -> dict[str, str]:
    clients = f"{config.host}:{config.port}"
    controller = f"{config.host}:{config.controller_port}"
    return {
        "process.roles": "broker,controller",
        "node.id": str(config.node_id),
        "controller.quorum.bootstrap.servers": controller,
        "listeners": f"CLIENTS://{clients},CONTROLLER://{controller}",
        "advertised.listeners": f"CLIENTS://{clients}",
        "listener.security.protocol.map": "CLIENTS:SASL_SSL,CONTROLLER:SASL_SSL",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "CLIENTS",
        "log.dirs": config.data_dir,
    }


def _tls(config: BrokerConfig) -> dict[str, str]:
    def file(name: str) -> str:
        return f"${{directory:{config.config_dir}:{name}}}"

    return {
        "config.providers": "directory",
        "config.providers.directory.class": _DIRECTORY,
        "ssl.keystore.type": "PEM",
        "ssl.keystore.certificate.chain": file("broker.crt"),
        "ssl.keystore.key": file("broker.key"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.certificates": file("ca.crt"),
        "ssl.client.auth": "none",
    }


def _sasl(config: BrokerConfig) -> dict[str, str]:
    name, password = config.admin
    speaks = f'{_LOGIN} required username="{_quote(name)}" password="{_quote(password)}"'
    knows = [f' user_{user}="{_quote(secret)}"' for user, secret in (config.admin, *config.users)]
    return {
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.clients.plain.sasl.jaas.config": f"{speaks}{''.join(knows)};",
        # Other nodes would speak as the admin too; no user has business with the controller.
        "listener.name.controller.plain.sasl.jaas.config": f"{speaks}{knows[0]};",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{name}",
        "allow.everyone.if.no.acl.found": "false",
    }


def _single_node() -> dict[str, str]:
    return {
        "auto.create.topics.enable": "false",
        "num.partitions": "1",
        "default.replication.factor": "1",
        "min.insync.replicas": "1",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "1",
        # The first consumer of a group starts at once instead of waiting for others.
        "group.initial.rebalance.delay.ms": "0",
        # What a killed broker must check at its next start; the page cache survives a kill.
        "num.recovery.threads.per.data.dir": "2",
        "num.network.threads": "2",
        "num.io.threads": "4",
        "background.threads": "2",
        "log.cleaner.dedupe.buffer.size": "4194304",
        "controlled.shutdown.enable": "true",
        # After a kill the controller waits this long before the same broker may register again.
        "broker.session.timeout.ms": "2000",
        "broker.heartbeat.interval.ms": "500",
    }


def _quote(text: str) -> str:
    """Escape for a quoted value of a JAAS line."""
    if any(ord(letter) < 0x20 for letter in text):
        raise ValueError("a user name or password of the broker holds a control character")
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _escape(text: str) -> str:
    """Escape for the value of a Java properties line, which is read as ISO-8859-1."""
    plain = text.replace("\\", "\\\\").replace("\n", "\\n")
    return "".join(letter if ord(letter) < 0x80 else f"\\u{ord(letter):04x}" for letter in plain)
