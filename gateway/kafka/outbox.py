# SPDX-License-Identifier: Apache-2.0
"""What takes the records of a request in place of a producer; whoever put it there says how.

An ``Outbox`` keeps records that are not written yet, and reports each as written. Later all of them
are written in one transaction with something else, or none is. A ``StampedOutbox`` hands them on to
the producer, each with a header by which it is found in its topic.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from gateway.errors import ProduceError, ProducerUnhealthy, RequestRejected
from gateway.kafka.batch import Header
from gateway.kafka.config import ProducerConfig

if TYPE_CHECKING:
    from gateway.kafka.producer import Producer

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
    stamp: Sequence[Header] = ()
    """Headers that every record gets on top of its own, at their longest."""

    def __init__(self, config: ProducerConfig) -> None:
        self.config = config
        """Of the producer that writes them in the end: its brokers, and how much it buffers."""
        self.records: list[OutboxRecord] = []

    def open(self, producer: Producer) -> None:
        """Take the place of a producer; ``RequestRejected`` where its records go elsewhere."""
        if set(self.config.bootstrap).isdisjoint(producer.config.bootstrap):
            raise RequestRejected(500, _ELSEWHERE)

    def drop(self) -> None:
        """Have none of the records written."""
        self.records.clear()

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


STAMP = "kafka-gateway-idempotency"
"""The record header with the use of a key, and the record's place among those of its request."""
_LONGEST_PLACE = "0" * 10
"""As many digits as a place has at most."""
_REFUSED = frozenset(
    (
        "CLUSTER_AUTHORIZATION_FAILED",
        "INVALID_RECORD",
        "MSG_SIZE_TOO_LARGE",
        "POLICY_VIOLATION",
        "RECORD_LIST_TOO_LARGE",
        "TOPIC_AUTHORIZATION_FAILED",
        "UNKNOWN_TOPIC_OR_PART",
        "_UNKNOWN_TOPIC",
    )
)
"""What means that a record is not written, and was not by an earlier attempt either."""


def stamp_of(use: str, place: int) -> bytes:
    """Return the value of the header of the record at a place among those of one topic, from 0."""
    return f"{use}-{place}".encode()


class StampedOutbox:
    """Hands the records of one request to their producer, with a header that names them.

    ``written``: topics and places of the records that are in their topics already; they are not
    sent again. ``left`` gives the seconds for which nobody else may send them: none is sent that
    could still be under way when that time is over.
    """

    def __init__(
        self, use: str, left: Callable[[], float], written: Collection[tuple[str, int]] = ()
    ) -> None:
        self.sent = 0
        """How many records were handed on and not refused for certain."""
        self._use = use
        self._left = left
        self._written = written
        self._places: dict[str, int] = {}
        self._producer: Producer | None = None

    @property
    def stamp(self) -> Sequence[Header]:
        """See ``Outbox``."""
        return ((STAMP, f"{self._use}-{_LONGEST_PLACE}".encode()),)

    @property
    def config(self) -> ProducerConfig:
        """The producer's own."""
        return self._opened().config

    @property
    def closing(self) -> bool:
        """Whether the producer takes nothing any more."""
        return self._opened().closing

    @property
    def is_doubtful(self) -> bool:
        """Whether records are, or may be, in their topics."""
        return bool(self.sent or self._written)

    def open(self, producer: Producer) -> None:
        """Hand on to this producer."""
        self._producer = producer

    def drop(self) -> None:
        """Nothing is kept here."""

    def reserve(self, records: int, size: int) -> None:
        """See ``Producer``."""
        self._opened().reserve(records, size)

    def give_back(self, records: int, size: int) -> None:
        """See ``Producer``."""
        self._opened().give_back(records, size)

    def flush(self) -> None:
        """See ``Producer``."""
        self._opened().flush()

    def send(
        self,
        topic: str,
        value: bytes,
        key: bytes | None = None,
        headers: Sequence[Header] = (),
        on_delivery: Callable[[ProduceError | None], None] | None = None,
    ) -> None:
        """See ``Producer``; also raises ``ProducerUnhealthy`` when there is no time left."""
        place = self._places.get(topic, 0)
        self._places[topic] = place + 1
        if (topic, place) in self._written:
            if on_delivery is not None:
                on_delivery(None)
            return
        producer = self._opened()
        if self._left() * 1000 < producer.config.deadline:
            text = "the claim of the idempotency key may run out before the record is written"
            raise ProducerUnhealthy("_TIMED_OUT", text)
        stamped = [*headers, (STAMP, stamp_of(self._use, place))]
        report = None if on_delivery is None else partial(self._report, on_delivery)
        producer.send(topic, value, key, stamped, report)
        self.sent += 1

    def _report(
        self, on_delivery: Callable[[ProduceError | None], None], error: ProduceError | None
    ) -> None:
        if error is not None and error.reason in _REFUSED:
            self.sent -= 1
        on_delivery(error)

    def _opened(self) -> Producer:
        assert self._producer is not None
        return self._producer
