# SPDX-License-Identifier: Apache-2.0
"""Records that are not written yet: whoever put the outbox on the request decides their fate.

In place of a producer it takes what a request becomes, and reports each record as written. Later
all of them are written in one transaction with something else, or none is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from gateway.errors import ProduceError, RequestRejected
from gateway.kafka.client import Header
from gateway.kafka.config import ProducerConfig

_ELSEWHERE = "the storage of idempotency keys names other brokers than the plugin with the records"


class OutboxRecord(NamedTuple):
    """One record to be written."""

    topic: str
    value: bytes
    key: bytes | None
    headers: Sequence[Header]


class Outbox:
    """Has the methods of ``Producer`` that send the records of one request."""

    closing = False

    def __init__(self, config: ProducerConfig) -> None:
        self.config = config
        """Of the producer that writes them in the end: its brokers, and how much it buffers."""
        self.records: list[OutboxRecord] = []

    def check(self, config: ProducerConfig) -> None:
        """Raise ``RequestRejected`` where a producer's records go to other brokers."""
        if set(self.config.bootstrap).isdisjoint(config.bootstrap):
            raise RequestRejected(500, _ELSEWHERE)

    def reserve(self, records: int, size: int) -> None:
        """Take room: there is some for each request."""

    def give_back(self, records: int, size: int) -> None:
        """Give up room."""

    def flush(self) -> None:
        """Nothing is on its way yet."""

    def send(
        self,
        topic: str,
        value: bytes,
        key: bytes | None = None,
        headers: Sequence[Header] = (),
        on_delivery: Callable[[ProduceError | None], None] | None = None,
    ) -> None:
        """Take a record."""
        self.records.append(OutboxRecord(topic, value, key, headers))
        if on_delivery is not None:
            on_delivery(None)
