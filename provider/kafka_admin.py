# SPDX-License-Identifier: Apache-2.0
"""One admin client per Kafka endpoint, kept for the life of the plugin, with short timeouts."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from gateway.addresses import server_problem
from gateway.errors import EndpointUnreachable, ResourceError
from provider.fields import Field, record, text
from provider.values import Properties

TIMEOUT_SECONDS = 5.0
START_SECONDS = 30.0

_T = TypeVar("_T")
_RETRY_SECONDS = 0.2
_AWAY = frozenset(
    (
        KafkaError._TRANSPORT,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._TIMED_OUT,
        KafkaError._TIMED_OUT_QUEUE,
        KafkaError._RESOLVE,
        KafkaError._SSL,
        KafkaError._AUTHENTICATION,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.NOT_CONTROLLER,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
    )
)


def _bootstrap_test(value: Any) -> str | None:
    if not isinstance(value, str) and not (
        isinstance(value, list) and all(isinstance(i, dict) and "host" in i for i in value)
    ):
        return "should be host:port,… or a list of {host, port}"
    problems = (
        server_problem(server.strip())
        for server in bootstrap_servers(value).split(",")
        if server.strip()
    )
    return next((problem for problem in problems if problem), None)


ENDPOINT = record(
    {
        "bootstrapServers": Field(_bootstrap_test, required=True),
        "caPem": text(),
        "user": text(),
        "password": text(),
        "mechanism": text(False, "PLAIN", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"),
    },
    required=True,
)


class Connection:
    """An admin client and why it cannot connect, if it cannot."""

    def __init__(self, settings: dict[str, str], servers: str) -> None:
        """``settings`` are librdkafka's; ``servers`` is what to call it in texts."""
        self.servers = servers
        self._reason = ""
        quiet = logging.getLogger("provider.librdkafka")
        quiet.addHandler(logging.NullHandler())
        quiet.propagate = False
        callbacks: dict[str, Any] = {"error_cb": self._note}
        self.client = AdminClient({**settings, **callbacks}, logger=quiet)

    def _note(self, error: KafkaError) -> None:
        if error.code() != KafkaError._ALL_BROKERS_DOWN:
            self._reason = str(error.str())

    def ask(self, question: Callable[[AdminClient], _T]) -> _T:
        """Return the answer; EndpointUnreachable when nobody is there, ResourceError otherwise."""
        self._knock()
        try:
            return question(self.client)
        except KafkaException as problem:
            error = problem.args[0]
            if error.code() not in _AWAY:
                raise ResourceError(f"Kafka at {self.servers}: {error.str()}") from None
            self.client.poll(0)
            raise EndpointUnreachable(
                f"Kafka at {self.servers} does not answer ({self._reason or error.str()})"
            ) from None

    def _knock(self) -> None:
        # librdkafka would try again for all of its timeout where a closed port says no at once.
        reason = ""
        for server in self.servers.split(","):
            host, _, port = server.strip().rpartition(":")
            try:
                socket.create_connection((host.strip("[]"), int(port)), TIMEOUT_SECONDS).close()
            except (OSError, ValueError) as problem:
                reason = getattr(problem, "strerror", None) or str(problem)
            else:
                return
        raise EndpointUnreachable(f"Kafka at {self.servers} does not answer ({reason})")

    def ask_patiently(
        self, question: Callable[[AdminClient], _T], cancelled: threading.Event
    ) -> _T:
        """Like ``ask``, but give a broker that is just starting half a minute."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return self.ask(question)
            except EndpointUnreachable:
                if time.monotonic() >= deadline or cancelled.wait(_RETRY_SECONDS):
                    raise


_connections: dict[tuple[tuple[str, str], ...], Connection] = {}
_lock = threading.Lock()


def connect(endpoint: Properties) -> Connection:
    """Return the connection to ``endpoint``, made when it is first asked for."""
    servers = bootstrap_servers(endpoint["bootstrapServers"])
    settings = {
        "bootstrap.servers": servers,
        "client.id": "kafka-gateway-provider",
        "security.protocol": _protocol(endpoint),
        "socket.timeout.ms": str(int(TIMEOUT_SECONDS * 1000)),
        "socket.connection.setup.timeout.ms": str(int(TIMEOUT_SECONDS * 1000)),
        "reconnect.backoff.max.ms": "500",
    }
    if endpoint.get("user"):
        settings["sasl.mechanism"] = endpoint.get("mechanism", "PLAIN")
        settings["sasl.username"] = endpoint["user"]
        settings["sasl.password"] = endpoint.get("password", "")
    if endpoint.get("caPem"):
        settings["ssl.ca.pem"] = endpoint["caPem"]
    key = tuple(sorted(settings.items()))
    with _lock:
        if key not in _connections:
            _connections[key] = Connection(settings, servers)
        return _connections[key]


def _protocol(endpoint: Properties) -> str:
    # Without a user and an authority it is a test's broker; anything real has both.
    if endpoint.get("user"):
        return "SASL_SSL"
    return "SSL" if endpoint.get("caPem") else "PLAINTEXT"


def bootstrap_servers(value: Any) -> str:
    """``host:port`` texts joined by commas, from such a text or a list of {host, port}."""
    if isinstance(value, str):
        return value
    return ",".join(f"{server['host']}:{server.get('port', 9092)}" for server in value)
