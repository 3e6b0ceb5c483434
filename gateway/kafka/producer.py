# SPDX-License-Identifier: Apache-2.0
"""A producer as plugins use it: bounded, with a deadline for each record, and one report for each.

Records of one turn of the event loop go to librdkafka together. While some are on the way, further
ones wait until those are reported, or for a time that follows the measured round trip: nothing
waits when it is quiet, and batches grow by themselves under load. (An idempotent producer has one
batch on the way per partition anyway; queueing more in librdkafka only makes its thread spin.)
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

from gateway.errors import BufferFull, ProduceError, ProducerUnhealthy
from gateway.kafka.client import Batch, Client, Header
from gateway.kafka.config import ProducerConfig, librdkafka_settings
from gateway.kafka.librdkafka import error_name, error_text
from gateway.kafka.oauth import TokenSource
from gateway.kafka.prober import Prober
from gateway.kafka.watch import Watch

OnDelivery = Callable[[ProduceError | None], None]

_PUSHED = 32
"""Batches up to this many records are sent at once; larger ones wait out librdkafka's linger time,
which costs them little and spares a thread switch for each."""
_HOLD = 0.001
_SHORTEST_HOLD = 0.01
_LONGEST_HOLD = 0.5
"""Seconds that records wait for those on the way. An idempotent producer's are generous: a batch
is due to be reported by then, unless its broker is stuck, and only then the others go ahead."""
_SWEEP = 0.25
"""Seconds between two looks for records past their deadline."""
_RENEWAL = 1.0
"""Seconds between two handles."""


def _nobody(_: ProduceError | None) -> None:
    """Take the report of a record whose deadline has passed."""


class Producer:
    """Writes records with one connection and delivery configuration.

    All calls on the event loop's thread. Made by ``ProducerPool.get``. ``messages`` and ``bytes``
    are what is buffered or on the way; ``records`` is how many were written.
    """

    def __init__(
        self, config: ProducerConfig, loop: asyncio.AbstractEventLoop, prober: Prober
    ) -> None:
        self.config = config
        self.users = 1
        self.records = 0
        self.messages = 0
        self.bytes = 0
        self.topics: set[str] = set()
        self.watch = Watch(self, prober)
        self._loop = loop
        self._prober = prober
        self._tokens = TokenSource.of(config, loop, self.watch.log)
        self.client = Client(librdkafka_settings(config), loop, self)
        self._pending: dict[int, OnDelivery | None] = {}
        self._extra_bytes: dict[int, int] = {}
        self._token = 0
        self._staged: dict[str, Batch] = {}
        self._staged_at = 0.0
        self._scheduled: asyncio.Handle | None = None
        self._on_the_way = 0
        self._flushed_at = 0.0
        self._hold = _SHORTEST_HOLD if config.idempotent else _HOLD
        self._marks: deque[tuple[float, int]] = deque()
        self._sweeper: asyncio.TimerHandle | None = None
        self._drained: asyncio.Event | None = None
        self._renewal: asyncio.TimerHandle | None = None
        self._renewed_at = 0.0
        self._max_messages = config.buffer_messages
        self._max_bytes = config.buffer_bytes

    def declare(self, topic: str) -> None:
        """Have a topic's leaders looked up before its first record comes."""
        self.topics.add(topic)
        self.client.topic(topic)

    def check_room(self, records: int, size: int) -> None:
        """Raise ``BufferFull`` unless that many records with so many bytes together fit."""
        if self.messages + records > self._max_messages or self.bytes + size > self._max_bytes:
            self.watch.refused("buffer_full", records)
            raise BufferFull("_QUEUE_FULL", "buffer overflow")

    def send(
        self,
        topic: str,
        value: bytes,
        key: bytes | None = None,
        headers: Sequence[Header] = (),
        on_delivery: OnDelivery | None = None,
    ) -> None:
        """Take a record; ``on_delivery`` hears once what became of it: None or the error.

        Raises ``BufferFull`` or ``ProducerUnhealthy``; ``on_delivery`` is not called then. An empty
        key is none. Without ``on_delivery`` a loss is counted and logged.
        """
        size = len(value)
        if self.messages >= self._max_messages or self.bytes + size > self._max_bytes:
            self.check_room(1, size)
        if self.watch.gate_closed:
            self.watch.refused("unhealthy", 1)
            raise ProducerUnhealthy("_ALL_BROKERS_DOWN", "the producer is unhealthy")
        batch = self._staged.get(topic)
        if batch is None:
            batch = self._staged[topic] = Batch()
        self._token = token = self._token + 1
        self._pending[token] = on_delivery
        batch.values.append(value)
        batch.tokens.append(token)
        if key or headers:
            batch.add_extra(key, headers)
            more = len(key or b"") + sum(len(name) + len(content) for name, content in headers)
            self._extra_bytes[token] = more
            size += more
        batch.size += size
        self.messages += 1
        self.bytes += size
        if self._scheduled is None:
            self._schedule()

    def metrics(self) -> dict[str, Any]:
        """Return counters and gauges: records, failures by reason, buffer depth, broker state."""
        return {
            "name": self.config.bootstrap[0],
            "records": self.records,
            "messages": self.messages,
            "bytes": self.bytes,
            **self.watch.metrics(),
        }

    async def close(self, within: float) -> None:
        """Send what is buffered, waiting up to ``within`` seconds; what is left is lost."""
        self._flush()
        self._drained = asyncio.Event()
        if self._pending:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._drained.wait(), within)
        self.watch.close()
        for timer in (self._sweeper, self._renewal):
            if timer is not None:
                timer.cancel()
        if self._tokens is not None:
            self._tokens.close()
        self._expire(self._token, "_DESTROY")
        if self._scheduled is not None:
            self._scheduled.cancel()
        self.client.detach()
        await self._prober.destroy(self.client)

    def on_deliveries(self, messages: Sequence[Any]) -> None:
        """Tell each sender what became of its record."""
        count = len(messages)
        self._on_the_way -= count
        if self._on_the_way <= 0:
            # Before the senders are told, so that Kafka works while they are.
            self._arrived()
        pop, size, failed = self._pending.pop, 0, 0
        for message in messages:
            size += message.len
            callback = pop(message._private, _nobody)
            if message.err:
                failed += 1
                self._fail(callback, message.err)
            elif callback is not None:
                try:
                    callback(None)
                except Exception as error:
                    self.watch.log.bug(error)
        if self._extra_bytes:
            pop_extra = self._extra_bytes.pop
            size += sum(pop_extra(message._private, 0) for message in messages)
        self.messages -= count
        self.bytes -= size
        self.records += count - failed
        if failed:
            self.watch.failed()
        if failed < count:
            self.watch.delivered()
        if self._drained is not None and not self._pending:
            self._drained.set()

    def on_error(self, code: int, detail: str) -> None:
        """Take an error that belongs to no record."""
        self.watch.error(error_name(code), detail)

    def on_fatal(self, code: int, detail: str) -> None:
        """Go on with a new handle: librdkafka gave this one up.

        For a broken idempotent sequence, or a user who may not write anywhere; so not more often
        than once a second. Until then every record fails at once.
        """
        self.watch.log.error(f"fatal {error_name(code)}", detail)
        if self._renewal is None:
            pause = max(0.0, self._renewed_at + _RENEWAL - monotonic())
            self._renewal = self._loop.call_later(pause, self._renew)
            self.client.purge()

    def on_log(self, level: int, facility: str, message: str) -> None:
        """Take a line of librdkafka's log."""
        self.watch.log.librdkafka(level, facility, message)

    def on_token_wanted(self) -> None:
        """Fetch a token in the background."""
        if self._tokens is not None:
            self._tokens.fetch(self.client)

    def _schedule(self) -> None:
        self._staged_at = monotonic()
        if self._on_the_way > 0:
            self._scheduled = self._loop.call_later(self._hold, self._flush)
        else:
            self._scheduled = self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        """Hand over what is staged."""
        if self._scheduled is not None:
            self._scheduled.cancel()
            self._scheduled = None
        if not self._staged:
            return
        staged, self._staged = self._staged, {}
        taken = sum(self._hand_over(topic, batch) for topic, batch in staged.items())
        if not taken:
            return
        self._on_the_way += taken
        self._flushed_at = monotonic()
        self._marks.append((self._staged_at, self._token))
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(_SWEEP, self._sweep)
        if taken <= _PUSHED and self.config.linger:
            self.client.push()

    def _hand_over(self, topic: str, batch: Batch) -> int:
        """Return how many records librdkafka took; the senders of the others are told."""
        try:
            refused = self.client.produce(topic, batch)
        except ProduceError as error:
            # There is no handle for such a topic: its name is impossible.
            self.watch.log.error(error.reason, error.detail)
            refused = [(token, -193) for token in batch.tokens]
        if refused:
            tokens = {token for token, _ in refused}
            for value, token in zip(batch.values, batch.tokens, strict=True):
                if token in tokens:
                    self.messages -= 1
                    self.bytes -= len(value) + self._extra_bytes.pop(token, 0)
            for token, code in refused:
                self._fail(self._pending.pop(token, _nobody), code)
            self.watch.failed()
        return len(batch.values) - len(refused)

    def _arrived(self) -> None:
        """Everything handed over was reported: measure the round trip, let go what waited."""
        if self.config.idempotent:
            wanted = min(4 * (monotonic() - self._flushed_at), _LONGEST_HOLD)
            self._hold = max(_SHORTEST_HOLD, self._hold + 0.2 * (wanted - self._hold))
        if self._staged:
            self._flush()

    def _fail(self, callback: OnDelivery | None, code: int) -> None:
        if callback is _nobody:
            return
        reason = error_name(code)
        self.watch.count(reason)
        self._tell(callback, ProduceError(reason, error_text(code)))

    def _tell(self, callback: OnDelivery | None, error: ProduceError) -> None:
        if callback is None:
            self.watch.log.lost(error.reason, error.detail)
            return
        try:
            callback(error)
        except Exception as problem:
            self.watch.log.bug(problem)

    def _sweep(self) -> None:
        """Fail the records whose deadline has passed, whatever librdkafka still tries."""
        self._sweeper = None
        late, last = monotonic() - self.config.deadline / 1000, 0
        while self._marks and self._marks[0][0] <= late:
            last = self._marks.popleft()[1]
        if last:
            self._expire(last, "_TIMED_OUT")
        if self._pending:
            self._sweeper = self._loop.call_later(_SWEEP, self._sweep)
        else:
            self._marks.clear()

    def _expire(self, last: int, reason: str) -> None:
        """Fail the pending records up to a token."""
        expired = []
        for token in self._pending:
            if token > last:
                break
            expired.append(token)
        error = ProduceError(reason, "no answer from Kafka within the deadline")
        for token in expired:
            self.watch.count(reason)
            self._tell(self._pending.pop(token), error)
        if expired:
            self.watch.failed()

    def _renew(self) -> None:
        self._renewal = None
        self._renewed_at = monotonic()
        old = self.client
        self.client = Client(librdkafka_settings(self.config), self._loop, self)
        for topic in self.topics:
            self.client.topic(topic)
        old.mute()
        old.purge()
        self._prober.retire(old)
