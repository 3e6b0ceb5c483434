# SPDX-License-Identifier: Apache-2.0
"""A real Apache Kafka broker for tests: SASL_SSL with access rules on, in a folder of its own.

``Broker`` may be killed, stopped and started again with its records; the shared one of
``tests/conftest.py`` (fixture ``broker``) must not be.
"""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import os
import socket
import subprocess
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._acl import AclBinding, AclBindingFilter, AclOperation, AclPermissionType
from confluent_kafka.admin._resource import ResourcePatternType, ResourceType
from confluent_kafka.cimpl import NewTopic
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from components.local.broker_config import BrokerConfig, server_properties
from tests.support.ports import free_ports
from tests.support.waiting import PATIENCE, eventually

ROOT = Path(__file__).resolve().parents[2]
LIBS = ROOT / ".tools" / "kafka" / "libs"
START = ROOT / "components" / "local" / "start-broker"


@dataclass(frozen=True)
class Authority:
    """A certificate authority for one test run; PEM texts."""

    certificate: str
    key: str

    @classmethod
    def make(cls) -> Authority:
        """Make one."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
        certificate = (
            _builder(name, name, key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(_pem(certificate), _key_pem(key))

    def leaf(self, common_name: str = "localhost", address: str = "127.0.0.1") -> tuple[str, str]:
        """Return certificate and key for localhost and an address, for servers and clients."""
        issuer_key = serialization.load_pem_private_key(self.key.encode(), None)
        assert isinstance(issuer_key, ec.EllipticCurvePrivateKey)
        issuer = x509.load_pem_x509_certificate(self.certificate.encode())
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        names: list[x509.GeneralName] = [
            x509.DNSName("localhost"),
            x509.IPAddress(ipaddress.IPv4Address(address)),
        ]
        certificate = (
            _builder(name, issuer.subject, key.public_key())
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(issuer_key, hashes.SHA256())
        )
        return _pem(certificate), _key_pem(key)


@dataclass
class Broker:
    """One broker: ``start`` it, use it, ``close`` it.

    Users: ``admin`` (super user), ``writer``, ``second`` and ``reader``; name and password each.
    """

    folder: Path
    port: int = 0
    controller_port: int = 0
    extra: Sequence[tuple[str, str]] = ()
    host: str = "127.0.0.1"
    authority: Authority = field(default_factory=Authority.make)
    admin: tuple[str, str] = ("admin", "admin-secret")
    writer: tuple[str, str] = ("writer", "writer-secret")
    second: tuple[str, str] = ("second", "second-secret")
    reader: tuple[str, str] = ("reader", "reader-secret")
    _process: subprocess.Popen[bytes] | None = None
    _admin_client: AdminClient | None = None

    def __post_init__(self) -> None:
        """Write the configuration."""
        if not self.port:
            self.port, self.controller_port = free_ports(2)
        self.folder.mkdir(parents=True, exist_ok=True)
        certificate, key = self.authority.leaf(address=self.host)
        config = BrokerConfig(
            data_dir=str(self.folder / "data"),
            config_dir=str(self.folder),
            port=self.port,
            controller_port=self.controller_port,
            host=self.host,
            admin=self.admin,
            users=(self.writer, self.second, self.reader),
            extra=self.extra,
        )
        files = {
            "server.properties": server_properties(config),
            "broker.crt": certificate,
            "broker.key": key,
            "ca.crt": self.authority.certificate,
        }
        for name, text in files.items():
            path = self.folder / name
            path.touch(mode=0o600)
            path.write_text(text)

    @property
    def bootstrap(self) -> str:
        """``host:port``."""
        return f"{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        """Process id of the broker that runs."""
        assert self._process is not None
        return self._process.pid

    @property
    def ca_file(self) -> str:
        """Path of the authority's certificate."""
        return str(self.folder / "ca.crt")

    def start(self) -> Broker:
        """Start it and wait until it answers; formats its folder the first time."""
        if not LIBS.is_dir():
            raise RuntimeError(f"no Kafka in {LIBS}: run `make tools`")
        log = (self.folder / "broker.log").open("ab")
        arguments = [str(LIBS), str(self.folder / "server.properties"), str(self.folder / "data")]
        with log:
            self._process = subprocess.Popen(
                [str(START), *arguments], stdout=log, stderr=log, start_new_session=True
            )
        eventually(self._answers, every=0.05)
        return self

    def kill(self) -> None:
        """Kill it at once (SIGKILL)."""
        self._end(kill=True)

    def stop(self) -> None:
        """Stop it in good order."""
        self._end(kill=False)

    def close(self) -> None:
        """Kill it if it still runs."""
        if self._process is not None:
            self._end(kill=True)

    def client(self, user: tuple[str, str] | None = None) -> dict[str, Any]:
        """Return librdkafka settings to connect as a user (the admin by default)."""
        name, password = user or self.admin
        return {
            "bootstrap.servers": self.bootstrap,
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "PLAIN",
            "sasl.username": name,
            "sasl.password": password,
            "ssl.ca.location": self.ca_file,
            "log_level": 0,
        }

    def topic(self, partitions: int = 1, config: Mapping[str, str] | None = None) -> str:
        """Make a topic with a name of its own that ``writer`` may write; return the name."""
        name = f"t-{uuid.uuid4().hex[:12]}"
        self.create(name, partitions, config)
        self.allow(self.writer, name)
        return name

    def create(
        self, name: str, partitions: int = 1, config: Mapping[str, str] | None = None
    ) -> None:
        """Make a topic and wait until it can be written to."""
        new = NewTopic(name, partitions, 1, config=dict(config or {}))
        self._client().create_topics([new])[name].result(timeout=PATIENCE)
        eventually(lambda: self._has_leaders(name, partitions))

    def delete(self, name: str) -> None:
        """Delete a topic and wait until it is gone."""
        self._client().delete_topics([name])[name].result(timeout=PATIENCE)
        eventually(lambda: name not in self._client().list_topics(timeout=PATIENCE).topics)

    def allow(self, user: tuple[str, str], topic: str, operation: str = "write") -> None:
        """Let a user do something with a topic (``write`` implies describe).

        Returns when the broker goes by it: the controller confirms an access rule before the
        broker has read it from the metadata log, and refuses the user meanwhile.
        """
        binding = self._binding(user, topic, operation)
        self._client().create_acls([binding])[binding].result(timeout=PATIENCE)
        eventually(lambda: self._rules(user, topic, operation))

    def deny(self, user: tuple[str, str], topic: str, operation: str = "write") -> None:
        """Take back what ``allow`` gave; returns when the broker goes by it."""
        wanted = self._binding(user, topic, operation, AclBindingFilter)
        self._client().delete_acls([wanted])[wanted].result(timeout=PATIENCE)
        eventually(lambda: not self._rules(user, topic, operation))

    def records(self, topic: str, count: int = 1) -> list[Any]:
        """Return the topic's first ``count`` messages or fail (confluent_kafka ``Message``)."""
        consumer = self._reader()
        try:
            found: list[Any] = []
            partitions = (
                self._client().list_topics(topic, timeout=PATIENCE).topics[topic].partitions
            )
            consumer.assign([TopicPartition(topic, number, 0) for number in partitions])

            def enough() -> bool:
                batch = consumer.consume(max(count - len(found), 1), timeout=0.1)
                found.extend(message for message in batch if message.error() is None)
                return len(found) >= count

            eventually(enough, every=0)
            return found
        finally:
            consumer.close()

    def count(self, topic: str) -> int:
        """Return how many records a topic has, over all partitions."""
        consumer = self._reader()
        try:
            partitions = (
                self._client().list_topics(topic, timeout=PATIENCE).topics[topic].partitions
            )
            marks = [
                consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=PATIENCE)
                for number in partitions
            ]
            return sum(high - low for low, high in marks)
        finally:
            consumer.close()

    def _reader(self) -> Consumer:
        settings = {
            **self.client(),
            "group.id": "none",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
        return Consumer(settings)

    def _client(self) -> AdminClient:
        if self._admin_client is None:
            self._admin_client = AdminClient(self.client())
        return self._admin_client

    def _has_leaders(self, name: str, partitions: int) -> bool:
        found = self._client().list_topics(name, timeout=PATIENCE).topics.get(name)
        if found is None or found.error is not None or len(found.partitions) != partitions:
            return False
        leaders = [one.leader for one in found.partitions.values()]
        errors = [one.error for one in found.partitions.values()]
        return min(leaders) >= 0 and not any(errors)

    def _rules(self, user: tuple[str, str], topic: str, operation: str) -> Sequence[AclBinding]:
        """Return the access rule if the broker, which is who is asked, has it already."""
        wanted = self._binding(user, topic, operation, AclBindingFilter)
        found: Sequence[AclBinding] = self._client().describe_acls(wanted).result(timeout=PATIENCE)
        return found

    @staticmethod
    def _binding(user: tuple[str, str], topic: str, operation: str, kind: Any = AclBinding) -> Any:
        return kind(
            ResourceType.TOPIC,
            topic,
            ResourcePatternType.LITERAL,
            f"User:{user[0]}",
            "*",
            AclOperation[operation.upper()],
            AclPermissionType.ALLOW,
        )

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            text = (self.folder / "broker.log").read_text()
            raise RuntimeError(f"the broker stopped while starting:\n{text[-4000:]}")
        with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), 1):
            return True
        return False

    def _end(self, *, kill: bool) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        # The process that was started becomes java by exec, or its group has the formatter too.
        with contextlib.suppress(ProcessLookupError):
            if kill:
                os.killpg(process.pid, 9)
            else:
                process.terminate()
        process.wait(timeout=PATIENCE)


def _builder(name: x509.Name, issuer: x509.Name, key: Any) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


@contextlib.contextmanager
def running_broker(folder: Path, extra: Sequence[tuple[str, str]] = ()) -> Iterator[Broker]:
    """Give a broker of one's own, gone at the end."""
    broker = Broker(folder, extra=extra)
    try:
        yield broker.start()
    finally:
        broker.close()
