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
from gateway.kafka.key_order import KeyOrder, QueuedRecord
from gateway.kafka.librdkafka import error_name, produce_error
from gateway.kafka.prober import Prober
from gateway.kafka.refused_batches import REFUSALS, guilty_of
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
    are what is buffered or in flight; ``records`` is how many were written, ``last_token`` the
    number of the last that was taken.
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
        most = min(config.batch_messages, MOST_TOGETHER)
        self._order = KeyOrder(most, config.batch_bytes)
        self.first_lane = FirstLane(self, loop, prober)
        self.second_lane = SecondLane(self, loop, prober)
        self.doubts = self.second_lane.doubts
        self.last_token = 0
        self._watched = Watchers()
        self._deadlines = Deadlines(loop, config.deadline / 1000, self._expire)
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
        more = extra_size(key, headers)
        record.size += more
        apart = bool(self.doubts) and self.second_lane.takes(record)
        self.last_token = token
        self._pending[token] = on_delivery
        if more:
            self._extras[token] = more
        self.messages += 1
        self.bytes += record.size
        if self.first_lane.scheduled is None:
            # Whichever way it goes: its deadline is noted then.
            self.first_lane.schedule()
        if key is not None and not self._order.goes(record, key):
            return  # it waits there
        if apart:
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
        guilty = guilty_of(messages)
        kept = self._pending.keys() & {message._private for message in messages}
        for message in guilty:
            self.second_lane.blame(message)
            kept.discard(message._private)
        if over := [message for message in messages if message._private not in kept]:
            self.settle(over)
        again = [record_of(one, self._extras) for one in messages if one._private in kept]
        return again, bool(guilty)

    def written(self, batch: HandedOver, messages: Sequence[Any]) -> None:
        """Do what ``settle`` does for a batch all of which is written, with fewer looks at it."""
        if self._order or self.watch.unplaced:
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
        if self._order:
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
        """Tell whether the senders of all these records still wait."""
        if (late := self._deadlines.passed()) and any(map(late.__ge__, tokens)):
            return False
        return all(map(self._pending.__contains__, tokens))

    def still_wanted(self, records: Sequence[QueuedRecord]) -> list[QueuedRecord]:
        """Return the records whose senders still wait; the others are let go."""
        wanted, gone = self._divided(records)
        self._pass_turns(gone)
        return wanted

    def _divided(self, records: Sequence[QueuedRecord]) -> tuple[list[QueuedRecord], list[int]]:
        """Return the records whose senders still wait, and the tokens of the others, let go."""
        late, wanted, gone = self._deadlines.passed(), [], []
        for record in records:
            if record.token > late and record.token in self._pending:
                wanted.append(record)
            else:
                self._let_go(record)
                gone.append(record.token)
        return wanted, gone

    def _let_go(self, record: QueuedRecord) -> None:
        """Send a record no more; who still waits for it is told in the loop's next turn."""
        token, topic = record.token, record.topic
        self.messages -= 1
        self.bytes -= record.size
        self._extras.pop(token, None)
        if token in self._pending:
            self._loop.call_soon(self._time_out, self._pending.pop(token), topic)
        else:
            self.watch.place(topic, token)
        self._watched.tell_lost(topic, token, LATE)

    def _pass_turns(self, tokens: list[int]) -> None:
        """Have those records go that wait for others with their keys, which are over."""
        for token in tokens:  # which grow meanwhile
            if behind := self._order.done(token):
                wanted, gone = self._divided(behind)
                tokens += gone
                if wanted:
                    self._follow(wanted)

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

    def mark(self, taken_at: float) -> int:
        """Note since when the last were taken; return up to which token records may be late."""
        return self._deadlines.mark(taken_at, self.last_token)

    def _forget(self, tokens: Sequence[int]) -> int:
        """Let those go that waited for records; return the bytes of their keys and headers."""
        more = sum(map(self._extras.pop, tokens, repeat(0)))
        if self._order:
            self._pass_turns(list(tokens))
        return more

    def _fail(self, callback: OnDelivery | None, error: ProduceError) -> None:
        if callback is not _no_sender:
            self.watch.count(error.reason, error.topic)
            self._tell(callback, self._connectivity.explained(error))

    def _tell(self, callback: OnDelivery | None, error: ProduceError | None) -> None:
        if callback is not None:
            try:
                callback(error)
            except Exception as problem:
                self.watch.log.bug(problem)
        elif error is not None:
            self.watch.log.record("record lost", error)

    def _expire(self, last: int, reason: str = LATE) -> bool:
        """Fail the records up to a token, whatever librdkafka still tries; are others pending?"""
        error = self._connectivity.explained(ProduceError(reason, NO_RESPONSE))
        self._give_up(last, error, reason)
        return bool(self._pending)

    def _give_up(self, last: int, error: ProduceError, reason: str) -> None:
        """Fail the pending records up to a token; ``reason`` is what is counted."""
        tokens = list(takewhile(last.__ge__, self._pending))
        for token in tokens:
            self.watch.count_untold(reason, token, last=self.closing)
        # All before any is told of: who is told may have records handed over.
        for callback in [self._pending.pop(token) for token in tokens]:
            self._tell(callback, error)
        self.watch.failed()
        self._look_drained()
