# SPDX-License-Identifier: Apache-2.0
"""One admin client per Kafka endpoint, kept for the life of the plugin, with short timeouts.

Where Kafka is and how a client authenticates is decided in ``gateway.kafka.admin``, which the
command line uses; added here is what a plan needs: unreachable brokers are found at once.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, cast

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from gateway.errors import EndpointUnreachable, ResourceError
from gateway.kafka.admin import KafkaConnection
from provider.resource_types import bootstrap_servers
from provider.values import Properties

TIMEOUT_SECONDS = 5.0
LISTED_SECONDS = 1.0

_T = TypeVar("_T")
_TIMEOUTS = {
    "socket.timeout.ms": int(TIMEOUT_SECONDS * 1000),
    "socket.connection.setup.timeout.ms": int(TIMEOUT_SECONDS * 1000),
    "reconnect.backoff.max.ms": 500,
}
_UNREACHABLE = frozenset(
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
_connecting = threading.Lock()


class KafkaAdmin:
    """An admin client and why it cannot connect, if it cannot.

    A plan asks about every topic and rule by itself. What is listed for one of them answers for
    all that are asked about within ``LISTED_SECONDS``, unless this client changed something.
    """

    def __init__(self, connection: KafkaConnection) -> None:
        self._servers = connection.bootstrap_servers
        self._reason = ""
        own: dict[str, Any] = {"client.id": "kafka-gateway-provider", "error_cb": self._note}
        self._client = AdminClient({**connection.settings(), **_TIMEOUTS, **own})
        self._connected_until = 0.0
        self._listed: dict[str, tuple[float, Any]] = {}
        self._listing = threading.Lock()
        self._changes = 0

    def _note(self, error: KafkaError) -> None:
        if error.code() != KafkaError._ALL_BROKERS_DOWN:
            self._reason = str(error.str())

    def call(self, operation: Callable[[AdminClient], _T]) -> _T:
        """Return what ``operation`` returns.

        Raises EndpointUnreachable when no broker answers, ResourceError for other errors.
        """
        self._connect()
        try:
            return operation(self._client)
        except KafkaException as problem:
            error = problem.args[0]
            if error.code() not in _UNREACHABLE:
                raise ResourceError(f"Kafka at {self._servers}: {error.str()}") from None
            self._client.poll(0)
            self._connected_until = 0.0
            raise self._unreachable(self._reason or error.str()) from None

    def change(self, operation: Callable[[AdminClient], _T]) -> _T:
        """``call`` an operation after which nothing that was listed before counts."""
        try:
            return self.call(operation)
        finally:
            with self._listing:
                self._changes += 1
                self._listed.clear()

    def listed(self, what: str, listing: Callable[[AdminClient], _T]) -> _T:
        """Return what ``listing`` returns or has just returned; ``what`` is its name.

        Raises as ``call`` does; a failure is not kept.
        """
        with self._listing:
            until, found = self._listed.get(what, (0.0, None))
            if time.monotonic() < until:
                return cast("_T", found)
            began = self._changes
        fresh = self.call(listing)
        with self._listing:
            if began == self._changes:
                self._listed[what] = (time.monotonic() + LISTED_SECONDS, fresh)
        return fresh

    def _connect(self) -> None:
        if time.monotonic() < self._connected_until:
            return
        # librdkafka would try again for all of its timeout where a closed port refuses at once.
        reason = ""
        for server in self._servers.split(","):
            host, _, port = server.strip().rpartition(":")
            try:
                socket.create_connection((host.strip("[]"), int(port)), TIMEOUT_SECONDS).close()
            except (OSError, ValueError) as problem:
                reason = getattr(problem, "strerror", None) or str(problem)
            else:
                self._connected_until = time.monotonic() + LISTED_SECONDS
                return
        raise self._unreachable(reason)

    def _unreachable(self, reason: str) -> EndpointUnreachable:
        return EndpointUnreachable(f"Kafka at {self._servers} does not answer ({reason})")


def kafka_admin(endpoint: Properties) -> KafkaAdmin:
    """Return the client of the input ``endpoint``, made when it is first asked for."""
    user = endpoint.get("user") or None
    with _connecting:
        return _cached_admin(
            KafkaConnection(
                bootstrap_servers=bootstrap_servers(endpoint["bootstrapServers"]),
                user=user,
                password=endpoint.get("password", ""),
                ca_pem=endpoint.get("caPem") or None,
                mechanism=endpoint.get("mechanism", "PLAIN"),
                # Without a user and an authority it is a test's broker; anything real has both.
                tls=user is not None,
            )
        )


_cached_admin = cache(KafkaAdmin)
