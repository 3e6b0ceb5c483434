# SPDX-License-Identifier: Apache-2.0
"""What does not go in the next request to Kafka, but in those after it.

An idempotent producer may have five requests on the way to a partition. librdkafka (2.16,
``rd_kafka_toppar_producer_serve``) counts the records in them instead, so that nearly always it is
one request; and while more than that is queued for the partition, its thread does not sleep but
looks again and again. So of each topic it gets no more than one request's worth at a time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from gateway.kafka.batch import Batch


class Backlog:
    """Batches by topic, each one request's worth: up to ``weight`` bytes and ``records`` records.

    ``wanted`` takes what nobody waits for any more out of a batch that has waited. True while
    there is something.
    """

    def __init__(
        self, weight: float, records: float, wanted: Callable[[str, Batch], Batch]
    ) -> None:
        self._weight = weight
        self._records = records
        self._wanted = wanted
        self._parts: dict[str, deque[Batch]] = {}

    def __bool__(self) -> bool:
        return bool(self._parts)

    def next(self, staged: dict[str, Batch], waited_until: int = 0) -> list[tuple[str, Batch]]:
        """Return what goes now: of each topic what has waited longest, or what is staged.

        What goes, and what is to wait here, is taken out of ``staged``; what stays there is behind
        something that has waited. Records up to the token ``waited_until`` have waited as well.
        """
        waited, self._parts = self._parts, {}
        going = []
        for topic, parts in waited.items():
            going.append((topic, self._wanted(topic, parts.popleft())))
            if parts:
                self._parts[topic] = parts
        for topic in [topic for topic in staged if topic not in waited]:
            batch = staged.pop(topic)
            # One that waited for its turn by key may stand behind younger ones.
            if min(batch.tokens) <= waited_until:
                batch = self._wanted(topic, batch)
            if batch.tokens and not batch.fits(self._weight, self._records):
                batch, *rest = batch.parts(self._weight, self._records)
                if rest:
                    self._parts[topic] = deque(rest)
            going.append((topic, batch))
        return going
