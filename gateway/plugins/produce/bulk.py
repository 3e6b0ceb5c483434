# SPDX-License-Identifier: Apache-2.0
"""Sending the many records of one request: all of them or none, in turns."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from time import thread_time
from typing import TYPE_CHECKING, NamedTuple

from gateway.errors import KafkaRefuses, ProduceError, ProducerUnhealthy, RequestRejected
from gateway.kafka.batch import Header, extra_size
from gateway.plugins.produce.turns import Awaited

if TYPE_CHECKING:
    from gateway.kafka.outbox import Outbox, StampedOutbox
    from gateway.kafka.producer import OnDelivery, Producer

Made = tuple[list[int], Callable[[int], bytes]]
"""The sizes of values, and what makes the value at a place."""
SECONDS = 5.0
"""Processor time that functions and schemas may take for all records of a request."""
_HANDED_OVER = 64
"""Records that are handed to librdkafka together."""


class Addressed(NamedTuple):
    """Where records go and what they share."""

    topics: Sequence[str]
    key: bytes | None
    headers: Sequence[Header]


def made(values: list[bytes]) -> Made:
    """Return values that are there already as ``Made``."""
    return list(map(len, values)), values.__getitem__


def collect(count: int, make: Callable[[int], bytes], room: int) -> Generator[None, None, Made]:
    """Make the values that cannot wait: what they are decides whether any is sent.

    Raises ``RequestRejected``: 413 above ``room`` bytes, 500 when it takes too long.
    """
    values: list[bytes] = []
    spent = 0.0
    for index in range(count):
        begun = thread_time()
        values.append(make(index))
        spent += thread_time() - begun
        room -= len(values[-1])
        if room < 0:
            raise too_much(count)
        if spent > SECONDS:
            slow = TimeoutError(f"{index + 1} of {count} records took {spent:.1f} s")
            raise RequestRejected(500, "An unexpected error occurred") from slow
        yield
    return made(values)


def too_much(records: int) -> RequestRejected:
    """Return the refusal of a request that no buffer could ever hold."""
    return RequestRejected(
        413, f"the {records} records of the request are more than the producer buffers"
    )


def send(
    producer: Producer | Outbox | StampedOutbox,
    to: Addressed,
    sizes: Sequence[int],
    make: Callable[[int], bytes],
    of: Callable[[int], OnDelivery | None],
    admit: Callable[[Sequence[str], int, int], Generator[Awaited | None, None, None]] | None = None,
) -> Generator[Awaited | None, None, list[ProduceError | None]]:
    """Send a record for each size to each topic; return what was refused on the way.

    ``of`` gives what takes the report of the record at a place. Room for all is taken before the
    first is made: what is sent cannot be called back. Raises ``BufferFull`` and
    ``ProducerUnhealthy`` while nothing is sent, ``RequestRejected`` (413) for what could never fit,
    and what ``admit`` raises, which is asked when there is room.
    """
    shared, copies = extra_size(to.key, to.headers), len(to.topics)
    records, total = len(sizes) * copies, (sum(sizes) + shared * len(sizes)) * copies
    if records > producer.config.buffer_messages or total > producer.config.buffer_bytes:
        raise too_much(records)
    producer.reserve(records, total)
    errors: list[ProduceError | None] = [None] * len(sizes)
    done, refused = 0, None
    try:
        if admit is not None:
            yield from admit(to.topics, len(sizes), sum(sizes))
        for index, size in enumerate(sizes):
            value, on_delivery = make(index), of(index)
            for topic in to.topics:
                producer.give_back(1, size + shared)
                records, total = records - 1, total - size - shared
                try:
                    if producer.closing:
                        raise ProducerUnhealthy("_DESTROY", "the producer was closed")
                    producer.send(topic, value, to.key, to.headers, on_delivery)
                    done += 1
                except ProduceError as error:
                    if not done and isinstance(error, KafkaRefuses | ProducerUnhealthy):
                        raise
                    # There is room, so a full buffer means: of this kind too many wait already.
                    errors[index] = refused = error
                    if on_delivery is not None:
                        on_delivery(error)
            if index % _HANDED_OVER == _HANDED_OVER - 1:
                producer.flush()
            yield None
    finally:
        producer.give_back(records, total)
    if refused is not None and not done:
        raise refused
    return errors
