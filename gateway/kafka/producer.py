# SPDX-License-Identifier: Apache-2.0
"""A producer as plugins use it: bounded, a deadline for each record, and one report for each."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from functools import partial
from itertools import repeat, takewhile
from typing import Any

from gateway.errors import BufferFull, ProduceError
from gateway.kafka.batch import Batch, Header, extra_size
from gateway.kafka.client import Client
from gateway.kafka.config import ProducerConfig
from gateway.kafka.deadlines import LATE, NO_RESPONSE, Deadlines
from gateway.kafka.first_lane import FirstLane
from gateway.kafka.hand_overs import HandedOver
from gateway.kafka.key_order import KeyOrder, QueuedRecord, Slot
from gateway.kafka.librdkafka import error_name, produce_error
from gateway.kafka.prober import Prober
from gateway.kafka.refused_batches import REFUSALS, is_innocent, names_the_guilty
from gateway.kafka.reports import record_of, topic_of
from gateway.kafka.second_lane import MOST_TOGETHER, SecondLane
from gateway.kafka.watch import Watch
from gateway.kafka.written import OnSettled, Watchers

OnDelivery = Callable[[ProduceError | None], None]


def _no_sender(_: ProduceError | None) -> None:
    """Take the report of a record whose deadline has passed."""


class Producer:
    """Writes records with one connection and delivery configuration.

    All calls on the event loop's thread. Made by ``ProducerPool.get``. ``messages`` and ``bytes``
    are what is buffered or in flight; ``records`` is how many were written.
    """

    def __init__(
        self, config: ProducerConfig, loop: asyncio.AbstractEventLoop, prober: Prober
    ) -> None:
        self.config = config
        self.users = 1
        self.records = self.messages = self.bytes = 0
        self.topics: set[str] = set()
        self.closing = False
        self.watch = Watch(
            config,
            loop.call_later,
            probe=partial(prober.watch, self),
            refresh=partial(prober.refresh, self),
            bar=self.bar,
        )
        self._connectivity = self.watch.connectivity
        self._loop = loop
        self._prober = prober
        self._pending: dict[int, OnDelivery | None] = {}
        self._extras: dict[int, int] = {}
        self._slots: dict[int, Slot] = {}
        most = min(config.batch_messages, MOST_TOGETHER)
        self._order = KeyOrder(most, config.batch_bytes)
        self.first_lane = FirstLane(self, loop, prober)
        self.second_lane = SecondLane(self, loop, prober)
        self.doubts = self.second_lane.doubts
        self.last_token = 0
        """The number of the record that was taken last."""
        self._watched = Watchers()
        self._deadlines = Deadlines(loop, config.deadline / 1000, self._late)
        self._drained: asyncio.Event | None = None
        self._max_messages, self._max_bytes = config.buffer_messages, config.buffer_bytes

    @property
    def client(self) -> Client:
        """The client that nearly all records go through."""
        return self.first_lane.client

    def declare(self, topic: str) -> None:
        """Have a topic's leaders looked up before its first record comes."""
        self.topics.add(topic)
        self.watch.topic(topic)
        self.client.topic(topic)

    def check_room(self, records: int, size: int) -> None:
        """Raise ``BufferFull`` unless that many records with so many bytes together fit."""
        if self.messages + records > self._max_messages or self.bytes + size > self._max_bytes:
            self.watch.refused("buffer_full", records)
            self._watched.forget_after(self.last_token)
            raise BufferFull("_QUEUE_FULL", "buffer overflow")

    def reserve(self, records: int, size: int) -> None:
        """Take room for records that are sent one after the other; raises ``BufferFull``.

        ``give_back`` each one's part just before it is sent.
        """
        self.check_room(records, size)
        self.messages += records
        self.bytes += size

    def give_back(self, records: int, size: int) -> None:
        """Give up room that ``reserve`` took."""
        self.messages -= records
        self.bytes -= size

    def flush(self) -> None:
        """Hand over what was sent, without waiting for more."""
        self.first_lane.flush()

    def send(
        self,
        topic: str,
        value: bytes,
        key: bytes | None = None,
        headers: Sequence[Header] = (),
        on_delivery: OnDelivery | None = None,
    ) -> None:
        """Take a record; ``on_delivery`` is called once, with None or the error.

        Raises ``BufferFull`` or ``ProducerUnhealthy``; ``on_delivery`` is not called then. An empty
        key is none. Without ``on_delivery`` a loss is counted and logged.
        """
        size = len(value)
        if self.messages >= self._max_messages or self.bytes + size > self._max_bytes:
            self.check_room(1, size)
        if self.watch.gate_closed or self._connectivity.barred is not None:
            self._watched.forget_after(self.last_token)
            raise self.watch.refusal()
        token = self.last_token + 1
        if key or self.doubts:
            self._send_apart(
                QueuedRecord(token, topic, value, key or None, headers, size), on_delivery
            )
            return
        self.last_token = token
        self._pending[token] = on_delivery
        first = self.first_lane
        if first.scheduled is None:
            first.schedule()
        batch = first.staged.get(topic)
        if batch is None:
            batch = first.staged[topic] = Batch()
        batch.values.append(value)
        batch.tokens.append(token)
        if headers:
            batch.extras[len(batch.values) - 1], batch.headed = (None, headers), True
            # Without the call for one header: nearly always, where traces are.
            name, content = headers[0]
            more = len(name) + len(content) if len(headers) == 1 else extra_size(None, headers)
            self._extras[token] = more
            size += more
        batch.size += size
        self.messages += 1
        self.bytes += size
        first.count += 1
        if first.count == first.expected:
            first.complete()

    def _send_apart(self, record: QueuedRecord, on_delivery: OnDelivery | None) -> None:
        """Take a record that has a key, or whose topic may have to go another way."""
        token, topic, key, headers = record.token, record.topic, record.key, record.headers
        slot = None if key is None else (topic, key)
        more = extra_size(key, headers)
        record.size += more
        apart = bool(self.doubts) and self.second_lane.takes(record)
        self.last_token = token
        self._pending[token] = on_delivery
        if more:
            self._extras[token] = more
        if slot is not None:
            self._slots[token] = slot
        self.messages += 1
        self.bytes += record.size
        if self.first_lane.scheduled is None:
            # Whichever way it goes: its deadline is noted then.
            self.first_lane.schedule()
        if slot is not None and not self._order.goes(slot):
            self._order.wait(slot, record)
        elif apart:
            self.second_lane.add(topic, [record])
        else:
            self.first_lane.stage(record)

    def _follow(self, run: list[QueuedRecord]) -> None:
        """Have records go that waited for those before with their key."""
        if len(run) > 1 or run[0].topic in self.doubts:
            self.second_lane.add(run[0].topic, run)
        else:
            self.first_lane.stage(run[0])

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
        self.closing = True
        self.first_lane.flush()
        self._drained = asyncio.Event()
        if self._pending:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._drained.wait(), within)
        self.watch.close()
        self._deadlines.close()
        self.first_lane.quiet()
        self._expire(self.last_token, "_DESTROY")
        await self.first_lane.close()
        await self.second_lane.close()
        self.watch.log.close()

    def reported(self, messages: Sequence[Any]) -> None:
        """Take the reports of one batch: tell the senders, or send it again in smaller ones."""
        code = messages[0].err
        if code and len(messages) > 1 and code in REFUSALS:
            records, named = self.sort_out(messages)
            self.second_lane.again(records, code, named)
            return
        if code and code in REFUSALS:
            self.second_lane.blame(messages[0])
        self.settle(messages)

    def sort_out(self, messages: Sequence[Any]) -> tuple[list[QueuedRecord], bool]:
        """Return the records of a refused batch that are worth sending again, and whether the
        broker has named the others. Those, and records past their deadline, are reported as failed.
        """
        named = names_the_guilty(messages)
        again, over = [], []
        for message in messages:
            guilty = named and not is_innocent(message)
            if guilty:
                self.second_lane.blame(message)
            if guilty or message._private not in self._pending:
                over.append(message)
            else:
                again.append(record_of(message, self._extras.get(message._private, 0)))
        if over:
            self.settle(over)
        return again, named

    def written(self, batch: HandedOver, messages: Sequence[Any]) -> None:
        """Do what ``settle`` does for a batch all of which is written, with fewer looks at it."""
        if self._slots or self.watch.unplaced:
            self.settle(messages)
            return
        if self._watched:
            self._watched.tell_written(batch.tokens, messages)
        for callback in list(map(self._pending.pop, batch.tokens, repeat(_no_sender))):
            if callback is not None:
                try:
                    callback(None)
                except Exception as error:
                    self.watch.log.bug(error)
        if self._extras:
            self._forget(batch.tokens)
        self._settled(messages, batch.size, 0)

    def settle(self, messages: Sequence[Any]) -> None:
        """Tell each sender what became of its record."""
        if self._watched:
            self._watched.tell(messages)
        if self.watch.unplaced:
            self.watch.place(topic_of(messages[0]), *[message._private for message in messages])
        pop, extras, size, failed = self._pending.pop, self._extras, 0, 0
        for message in messages:
            token = message._private
            size += message.len + (extras.pop(token, 0) if extras else 0)
            callback = pop(token, _no_sender)
            if message.err:
                failed += 1
                self._fail(callback, produce_error(message.err, topic_of(message)))
            else:
                self._tell(callback, None)
        if self._slots:
            self._forget([message._private for message in messages])
        self._settled(messages, size, failed)

    def _settled(self, messages: Sequence[Any], size: int, failed: int) -> None:
        """Count records, so many bytes in all, that their senders were told of."""
        self.messages -= len(messages)
        self.bytes -= size
        self.records += len(messages) - failed
        self.watch.reported(messages, size, failed)
        self._look_drained()

    def _look_drained(self) -> None:
        if self._drained is not None and not self._pending:
            self._drained.set()

    def watch_tokens(self, since: int, take: OnSettled, next_ones: int = 0) -> None:
        """Have ``take`` told of each record after the token ``since``, and of the next ones."""
        self._watched.add(range(since + 1, self.last_token + 1 + next_ones), take)

    def awaits(self, tokens: Sequence[int]) -> bool:
        """Tell whether the senders of all these records, in their order, still wait."""
        if tokens and tokens[0] <= self._deadlines.passed():
            return False
        return all(map(self._pending.__contains__, tokens))

    def still_wanted(self, records: Sequence[QueuedRecord]) -> list[QueuedRecord]:
        """Return the records whose senders still wait; the others are let go."""
        late, wanted = self._deadlines.passed(), []
        for record in records:
            if record.token > late and record.token in self._pending:
                wanted.append(record)
            else:
                self._let_go(record)
        return wanted

    def _let_go(self, record: QueuedRecord) -> None:
        """Send a record no more; who still waits for it is told in the loop's next turn."""
        token, topic = record.token, record.topic
        self.messages -= 1
        self.bytes -= record.size
        if token in self._pending:
            self._loop.call_soon(self._time_out, self._pending.pop(token), topic)
        else:
            self.watch.place(topic, token)
        self._watched.tell_lost(topic, token, LATE)
        self._forget((token,))

    def _time_out(self, callback: OnDelivery | None, topic: str) -> None:
        self._fail(callback, ProduceError(LATE, NO_RESPONSE, topic))
        self.watch.failed()
        self._look_drained()

    def not_taken(self, topic: str, refused: Sequence[tuple[int, int, int]]) -> None:
        """Fail records that librdkafka did not take: token, bytes of the value, error."""
        for token, size, code in refused:
            self.messages -= 1
            self.bytes -= size + self._forget((token,))
            self.watch.place(topic, token)
            self._watched.tell_lost(topic, token, error_name(code))
            self._fail(self._pending.pop(token, _no_sender), produce_error(code, topic))
        self.watch.failed()

    def bar(self) -> None:
        """Fail what callers wait for: Kafka refuses us. What is only buffered is kept."""
        barred = self._connectivity.barred
        if barred is not None and self.config.waited:
            self._give_up(self.last_token, barred, barred.reason)
            self.first_lane.client.purge(queued_only=True)
            self.second_lane.purge()

    def mark(self, taken_at: float) -> bool:
        """Note since when the last records were taken; return whether they are late already."""
        return self._deadlines.mark(taken_at, self.last_token)

    def _forget(self, tokens: Sequence[int]) -> int:
        """Let those go that waited for records; return the bytes of their keys and headers."""
        pop = self._extras.pop
        more = sum([pop(token, 0) for token in tokens])
        if self._slots:
            for token in tokens:
                slot = self._slots.pop(token, None)
                behind = None if slot is None else self._order.done(slot)
                if behind is not None and (wanted := self.still_wanted(behind)):
                    self._follow(wanted)
        return more

    def _fail(self, callback: OnDelivery | None, error: ProduceError) -> None:
        if callback is not _no_sender:
            self.watch.count(error.reason, error.topic)
            self._tell(callback, self._connectivity.explained(error))

    def _tell(self, callback: OnDelivery | None, error: ProduceError | None) -> None:
        if callback is None:
            if error is not None:
                self.watch.log.record("record lost", error)
            return
        try:
            callback(error)
        except Exception as problem:
            self.watch.log.bug(problem)

    def _late(self, last: int) -> bool:
        """Fail the records up to a token, whatever librdkafka still tries."""
        self._expire(last, LATE)
        return bool(self._pending)

    def _expire(self, last: int, reason: str) -> None:
        """Fail the pending records up to a token."""
        error = self._connectivity.explained(ProduceError(reason, NO_RESPONSE))
        self._give_up(last, error, reason)

    def _give_up(self, last: int, error: ProduceError, reason: str) -> None:
        """Fail the pending records up to a token; ``reason`` is what is counted."""
        for token in list(takewhile(last.__ge__, self._pending)):
            self.watch.count_untold(reason, token, last=self.closing)
            self._tell(self._pending.pop(token), error)
        self.watch.failed()
        self._look_drained()
