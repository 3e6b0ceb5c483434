# SPDX-License-Identifier: Apache-2.0
"""The way of nearly all records: batches as librdkafka forms them.

Records of one turn of the event loop go to librdkafka together. While some are in flight, further
ones wait until those are reported, or for a time that follows the measured round trip: nothing
waits when it is quiet, and batches grow by themselves under load. In between, small batches wait
for company (``Pace``). What is more than one request's worth waits for the next (``Backlog``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from math import inf
from time import monotonic
from typing import Any

from gateway.errors import ProduceError
from gateway.kafka.backlog import Backlog
from gateway.kafka.batch import Batch
from gateway.kafka.config import STICKY
from gateway.kafka.hand_overs import HandOvers
from gateway.kafka.key_order import QueuedRecord
from gateway.kafka.lane import Lane, LaneOwner
from gateway.kafka.librdkafka import error_name
from gateway.kafka.pace import Pace
from gateway.kafka.prober import Prober

_HOLD = 0.001
_SHORTEST_HOLD = 0.01
_LONGEST_HOLD = 0.5
"""Seconds that records wait for those in flight. An idempotent producer's are generous: a batch
is due to be reported by then, unless its broker is stuck, and only then the others go ahead."""
_PUSH = 0.001
"""Seconds that a push takes at most."""
_RENEWAL = 1.0
"""Seconds between two handles."""
_INVALID_ARG = -186


class FirstLane(Lane):
    """Hands the records of one producer to librdkafka.

    ``staged``: topic to what goes next, ``count`` records in all. Whoever adds to it calls
    ``schedule`` unless ``scheduled`` is set, and ``complete`` when ``count`` reaches ``expected``.
    """

    def __init__(self, owner: LaneOwner, loop: asyncio.AbstractEventLoop, prober: Prober) -> None:
        super().__init__(owner, owner.config, loop, prober)
        self.client = self._open()
        self.staged: dict[str, Batch] = {}
        self.scheduled: asyncio.Handle | None = None
        """Set when ``flush`` is due."""
        self.count = 0
        self.expected = 0
        self._pace = Pace()
        weight, records = self._config.batch_bytes, self._config.batch_messages
        if self._config.idempotent:
            self._backlog = Backlog(weight, records, self._wanted)
        else:
            # One request per connection is on the way then, and librdkafka's thread sleeps.
            self._backlog = Backlog(inf, inf, self._wanted)
        self._handed = HandOvers()
        self._in_turn = 0
        """Records handed over since none was in flight."""
        self._requests = 0
        self._partitions: set[int] = set()
        self._staged_at = 0.0
        self.in_flight = 0
        self._flushed_at = 0.0
        self._hold = _SHORTEST_HOLD if self._config.idempotent else _HOLD
        self._renewal: asyncio.TimerHandle | None = None
        self._renewed_at = 0.0

    def stage(self, record: QueuedRecord) -> None:
        """Take a record that goes next."""
        batch = self.staged.get(record.topic)
        if batch is None:
            batch = self.staged[record.topic] = Batch()
        batch.add(record.token, record.value, record.key, record.headers, record.size)
        if self.scheduled is None:
            self.schedule()
        self.count += 1
        if self.count == self.expected:
            self.complete()

    def schedule(self) -> None:
        """Have ``flush`` called in time."""
        self._staged_at = monotonic()
        if self.in_flight > 0:
            self.scheduled = self._loop.call_later(self._patience(), self.flush)
        elif (pause := self._pause(self._staged_at)) > 0:
            self.scheduled = self._loop.call_later(pause, self.flush)
        else:
            self.scheduled = self._loop.call_soon(self.flush)

    def complete(self) -> None:
        """Have ``flush`` called in this turn, unless records are in flight: nobody else is due."""
        if self.in_flight <= 0 and self.scheduled is not None:
            self.scheduled.cancel()
            self.scheduled = self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Hand over what is staged: of each topic no more than goes in one request."""
        if self.client.forget_push() and (self.count > 1 or self._backlog):
            self._when_pushed()
            return
        waited = 0
        if self.scheduled is not None:
            self.scheduled.cancel()
            self.scheduled = None
            waited = self._owner.mark(self._staged_at)
        if not (self.staged or self._backlog):
            return
        going = self._backlog.next(self.staged, waited)
        self.count = sum(len(batch.values) for batch in self.staged.values())
        taken = sum(self._hand_over(topic, batch) for topic, batch in going)
        if taken:
            self._went(taken)
        if (self.staged or self._backlog) and self.scheduled is None:
            self.schedule()

    def _when_pushed(self) -> None:
        """Hand over when a push is over that is under way: it would send these one by one."""
        if self.scheduled is None:
            self._staged_at = monotonic()
        else:
            self.scheduled.cancel()
        self.scheduled = self._loop.call_later(_PUSH, self.flush)

    def quiet(self) -> None:
        """Fetch tokens and make new handles no more."""
        if self._renewal is not None:
            self._renewal.cancel()
        if self._tokens is not None:
            self._tokens.close()

    async def close(self) -> None:
        """Destroy the client."""
        if self.scheduled is not None:
            self.scheduled.cancel()
        self.client.detach()
        await self._prober.destroy(self.client)

    def on_deliveries(self, messages: Sequence[Any]) -> None:
        """Take the reports of one batch."""
        self.in_flight -= len(messages)
        self._partitions.add(messages[0].partition)
        written = self._handed.written(messages)
        if self.in_flight <= 0:
            # Before the senders hear of it, so that Kafka works while they do.
            self._arrived()
        if written is None:
            self._owner.reported(messages)
        else:
            self._owner.written(written, messages)

    def on_fatal(self, code: int, detail: str) -> None:
        """Go on with a new handle: librdkafka gave this one up.

        For a broken idempotent sequence, or a user who may not write anywhere; so not more often
        than once a second. Until then every record fails at once.
        """
        self._owner.watch.log.error(f"fatal {error_name(code)}", detail)
        if self._renewal is None:
            pause = max(0.0, self._renewed_at + _RENEWAL - monotonic())
            self._renewal = self._loop.call_later(pause, self._renew)
            self.client.purge()

    def _hand_over(self, topic: str, batch: Batch) -> int:
        """Return how many records librdkafka took; the others are reported as failed."""
        try:
            refused = self.client.produce(topic, batch)
        except ProduceError as error:
            # There is no handle for such a topic: its name is impossible.
            self._owner.watch.log.error(error.reason, error.detail)
            refused = [(token, _INVALID_ARG) for token in batch.tokens]
        if refused:
            sizes = dict(zip(batch.tokens, map(len, batch.values), strict=True))
            self._owner.not_taken(topic, [(token, sizes[token], code) for token, code in refused])
        elif batch.tokens:
            self._handed.add(batch)
        return len(batch.values) - len(refused)

    def _went(self, records: int) -> None:
        """Note that records are in flight, and have them sent at once."""
        self.in_flight += records
        self._in_turn += records
        self._requests += 1
        self._flushed_at = monotonic()
        self._pace.went(self._flushed_at)
        if self._config.linger:
            self.client.push()

    def _patience(self) -> float:
        """Return how long records wait for those in flight, in seconds.

        A backlog goes to another partition meanwhile, where there are some, once librdkafka
        chooses one again: over a long way one request at a time would be too few.
        """
        if self._backlog and self._requests < len(self._partitions):
            return min(self._hold, STICKY / 1000)
        return self._hold

    def _pause(self, now: float) -> float:
        """Return how long records wait for company when none are in flight, in seconds."""
        return 0.0 if self._backlog else self._pace.pause(self.count, now)

    def _wanted(self, topic: str, batch: Batch) -> Batch:
        """Return a batch that has waited without the records whose deadline has passed."""
        if self._owner.awaits(batch.tokens):
            return batch
        records = [
            QueuedRecord(token, topic, value, key, headers, size)
            for token, value, key, headers, size in batch.records()
        ]
        left = Batch()
        for record in self._owner.still_wanted(records):
            left.add(record.token, record.value, record.key, record.headers, record.size)
        return left

    def _arrived(self) -> None:
        """Everything handed over was reported: measure the round trip, let go what waited."""
        if self._config.idempotent:
            wanted = min(4 * (monotonic() - self._flushed_at), _LONGEST_HOLD)
            self._hold = max(_SHORTEST_HOLD, self._hold + 0.2 * (wanted - self._hold))
        self._pace.reported(self._in_turn, self.count)
        self.expected = self._pace.expected
        self._requests = self._in_turn = 0
        self._handed.clear()
        if not (self.staged or self._backlog):
            return
        pause = self._pause(monotonic())
        if pause <= 0:
            self.flush()
        elif self.scheduled is not None:
            self.scheduled.cancel()
            self.scheduled = self._loop.call_later(pause, self.flush)

    def _renew(self) -> None:
        self._renewal = None
        self._renewed_at = monotonic()
        old = self.client
        self.client = self._open()
        for topic in self._owner.topics:
            self.client.topic(topic)
        self._give_up(old)
