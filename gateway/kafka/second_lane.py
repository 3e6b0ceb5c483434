# SPDX-License-Identifier: Apache-2.0
"""A second connection for records that must not go in just any batch, one batch at a time.

Three kinds go this way: records of a refused batch, in smaller ones; several records with one
key, which must be in one batch to stay in order whatever becomes of it; and records like those
that their topic has just refused, so that they do not fail the batches of others. librdkafka
forms batches as it likes, so there is one batch in flight per topic, and it is pushed only when
all of it is queued.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from operator import attrgetter
from time import monotonic
from typing import Any

from gateway.errors import BufferFull, ProduceError
from gateway.kafka.batch import OVERHEAD, Batch, pieces
from gateway.kafka.client import Client
from gateway.kafka.config import message_timeout
from gateway.kafka.key_order import QueuedRecord
from gateway.kafka.lane import Lane, LaneOwner
from gateway.kafka.librdkafka import error_name
from gateway.kafka.prober import Prober
from gateway.kafka.refused_batches import REFUSALS, TOO_LARGE
from gateway.kafka.reports import topic_of

_PATIENCE = 0.5
"""Seconds after which the next batch goes although the one before is not reported: its broker is
stuck, and the others should not be."""
_PUSH_LOOK = 0.001
_PUSH_AGAIN = 0.02
"""Seconds after which what is not reported is pushed once more: librdkafka's threads may have been
too late to see the push before."""
MOST_TOGETHER = 1000
"""Records of a batch: they are all handled in one turn of the event loop when they are reported."""
_DOUBT = 60.0
"""Seconds for which records like a refused one go this way."""
_SMALL = 256 * 1024
"""A topic that refuses batches of so many bytes, and smaller ones than the first connection makes,
gets all of its records this way: those of the first would be refused again and again."""
_size = attrgetter("size")
_MOST_SUSPECTS = 1000
_LINGER = 2000
"""Milliseconds, at most: librdkafka sends nothing by itself before all of a batch is queued, also
where the machine is so busy that this takes long."""
_LARGEST = 2**31 - 1


class _TopicQueue:
    """What is to go to one topic.

    ``fresh``: runs of records that are not split while they fit; ``again``: pieces that go in this
    order, each in a batch of its own. Both take turns, so that neither waits for all of the other.
    ``in_flight``: token to key. Pieces of one run have a key in common: one of them goes when the
    one before is reported, however long that takes, since that one may come back refused.
    """

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.fresh: deque[list[QueuedRecord]] = deque()
        self.again: deque[list[QueuedRecord]] = deque()
        self.in_flight: dict[int, bytes | None] = {}
        self.sent_at = 0.0
        self.open = False
        self.asked = False
        self.timer: asyncio.Handle | None = None
        self._again_next = True

    def take(self, limit: int, most: int) -> list[QueuedRecord]:
        """Return the records of the next batch; empty when there are none that may go."""
        again, fresh = self.again, self.fresh
        if again and (self._again_next or not fresh) and self._may_go(again[0]):
            self._again_next = False
            return again.popleft()
        self._again_next = True
        if fresh and _weight(fresh[0]) > limit and len(fresh[0]) > 1:
            again.extendleft(reversed(pieces(fresh.popleft(), _size, limit, most)))
            return again.popleft()
        taken: list[QueuedRecord] = []
        weight = 0
        while fresh and (not taken or len(taken) + len(fresh[0]) <= most):
            weight += _weight(fresh[0])
            if taken and weight > limit:
                break
            taken += fresh.popleft()
        return taken

    def sent(self, records: Sequence[QueuedRecord]) -> None:
        """Note what is in flight from now on."""
        self.in_flight.update((record.token, record.key) for record in records)
        self.sent_at = monotonic()

    def reported(self, tokens: Iterable[int]) -> None:
        """Note what is in flight no more."""
        for token in tokens:
            self.in_flight.pop(token, None)

    def _may_go(self, piece: Sequence[QueuedRecord]) -> bool:
        keys = {key for key in self.in_flight.values() if key is not None}
        return not keys or keys.isdisjoint(record.key for record in piece)


class _Doubt:
    """What a topic has refused: batches above ``ceiling`` bytes, records without a key."""

    def __init__(self) -> None:
        self.until = 0.0
        self.ceiling = _LARGEST
        self.keyless = False
        self.keyless_cleared = 0.0

    def suspects(self, record: QueuedRecord) -> bool:
        """Tell whether a record would be refused again, by the looks of it."""
        return _weight([record]) > self.ceiling or (self.keyless and record.key is None)


class SecondLane(Lane):
    """Sends records of one producer on a client of its own, made when it is first needed.

    ``doubts``: topics that have refused something lately.
    """

    def __init__(self, owner: LaneOwner, loop: asyncio.AbstractEventLoop, prober: Prober) -> None:
        self.doubts: dict[str, _Doubt] = {}
        config = owner.config
        more = (
            ("linger.ms", str(min(_LINGER, message_timeout(config.deadline) // 2))),
            ("batch.num.messages", "1000000"),
            ("batch.size", str(_LARGEST)),
        )
        super().__init__(owner, replace(config, extra=(*config.extra, *more)), loop, prober)
        self._most = min(config.batch_messages, MOST_TOGETHER)
        self._limit = config.batch_bytes
        self._small = min(_SMALL, config.batch_bytes)
        self._queues: dict[str, _TopicQueue] = {}
        self._client: Client | None = None
        self._closed = False

    def takes(self, record: QueuedRecord) -> bool:
        """Tell whether a record goes this way for what its topic has refused.

        Raises ``BufferFull`` when too many like it wait already: they must not fill the buffer.
        """
        doubt = self.doubts.get(record.topic)
        if doubt is None:
            return False
        if monotonic() >= doubt.until:
            del self.doubts[record.topic]
            return False
        if not doubt.suspects(record):
            return doubt.ceiling < self._small
        if len(self._queue(record.topic).again) >= _MOST_SUSPECTS:
            self._owner.watch.refused("suspect", 1)
            raise BufferFull("_QUEUE_FULL", "too many records like those that the topic refuses")
        return True

    def add(self, topic: str, run: list[QueuedRecord]) -> None:
        """Take records that were not sent yet; several have one key."""
        queue = self._queue(topic)
        doubt = self.doubts.get(topic)
        if len(run) == 1 and doubt is not None and doubt.suspects(run[0]):
            queue.again.append(run)
        else:
            queue.fresh.append(run)
        self._soon(queue)

    def blame(self, message: Any) -> None:
        """Learn from a record that is to blame for a refusal, by itself or by the broker's word."""
        doubt = self._doubt(topic_of(message))
        if message.err in TOO_LARGE:
            doubt.ceiling = min(doubt.ceiling, message.len)
        elif not message.key_len and monotonic() >= doubt.keyless_cleared:
            doubt.keyless = True

    def again(
        self, records: list[QueuedRecord], code: int, named: bool, ahead: bool = False
    ) -> None:
        """Take the records of a refused batch, less those that the broker has named if ``named``.

        ``ahead``: they come back from this lane, before what follows them.
        """
        if not records:
            return
        queue = self._queue(records[0].topic)
        parts = [records] if named else self._parts(queue.topic, records, code)
        if ahead:
            queue.again.extendleft(reversed(parts))
        elif named:
            queue.fresh.extend([record] for record in records)
        else:
            queue.again.extend(parts)
        self._soon(queue)

    def purge(self) -> None:
        """Give up what librdkafka has queued."""
        if self._client is not None:
            self._client.purge(queued_only=True)

    async def close(self) -> None:
        """Destroy the client."""
        self._closed = True
        for queue in self._queues.values():
            if queue.timer is not None:
                queue.timer.cancel()
        if self._tokens is not None:
            self._tokens.close()
        if self._client is not None:
            client, self._client = self._client, None
            client.detach()
            await self._prober.destroy(client)

    def on_deliveries(self, messages: Sequence[Any]) -> None:
        """Take the reports of one batch."""
        queue = self._queue(topic_of(messages[0]))
        queue.reported(message._private for message in messages)
        code = messages[0].err
        if len(messages) > 1 and code in REFUSALS:
            records, named = self._owner.sort_out(messages)
            self.again(records, code, named, ahead=True)
        else:
            self._learn(queue.topic, messages)
            self._owner.settle(messages)
        if not queue.in_flight or queue.timer is None:
            self._drive(queue)

    def on_fatal(self, code: int, detail: str) -> None:
        """Go on with a new client; what this one has fails."""
        self._owner.watch.log.error(f"fatal {error_name(code)}", detail)
        if self._client is None:
            return
        old, self._client = self._client, None
        self._give_up(old)
        for queue in self._queues.values():
            queue.open = queue.asked = False

    def _parts(
        self, topic: str, records: list[QueuedRecord], code: int
    ) -> list[list[QueuedRecord]]:
        """Return the smaller batches in which refused records are sent again."""
        if code in TOO_LARGE:
            doubt = self._doubt(topic)
            doubt.ceiling = min(_weight(records) // 2, doubt.ceiling)
            return pieces(records, _size, doubt.ceiling, self._most)
        # A topic that is compacted takes no records without a key: the first guess.
        keyed = [record for record in records if record.key is not None]
        if keyed and len(keyed) < len(records):
            return [keyed, [record for record in records if record.key is None]]
        half = len(records) // 2
        return [records[:half], records[half:]]

    def _doubt(self, topic: str) -> _Doubt:
        """Return what a topic is known to refuse, to be added to."""
        found = self.doubts.get(topic)
        if found is None:
            found = self.doubts[topic] = _Doubt()
        found.until = monotonic() + _DOUBT
        return found

    def _learn(self, topic: str, messages: Sequence[Any]) -> None:
        """Learn from reports that are final."""
        message = messages[0]
        if message.err in REFUSALS:
            self.blame(message)
            return
        doubt = self.doubts.get(topic)
        if doubt is not None and doubt.keyless and not message.err and not message.key_len:
            doubt.keyless = False
            doubt.keyless_cleared = monotonic() + _DOUBT

    def _queue(self, topic: str) -> _TopicQueue:
        found = self._queues.get(topic)
        if found is None:
            found = self._queues[topic] = _TopicQueue(topic)
        return found

    def _soon(self, queue: _TopicQueue) -> None:
        if queue.timer is None:
            queue.timer = self._loop.call_soon(self._drive, queue)

    def _later(self, queue: _TopicQueue, pause: float) -> None:
        queue.timer = self._loop.call_later(pause, self._drive, queue)

    def _drive(self, queue: _TopicQueue) -> None:
        """Send the next batch, if it is time."""
        if queue.timer is not None:
            queue.timer.cancel()
            queue.timer = None
        if self._closed or not (queue.in_flight or queue.fresh or queue.again):
            return
        if self._client is None:
            self._client = self._open()
        if not queue.open:
            self._find(queue, self._client)
        elif queue.in_flight and monotonic() < queue.sent_at + _PATIENCE:
            self._push_again(queue, self._client)
        elif self._client.pushing:
            self._later(queue, _PUSH_LOOK)
        elif alive := self._next(queue):
            self._send(queue, self._client, alive)
        elif queue.in_flight:
            self._push_again(queue, self._client)

    def _push_again(self, queue: _TopicQueue, client: Client) -> None:
        client.push()
        self._later(queue, _PUSH_AGAIN)

    def _next(self, queue: _TopicQueue) -> list[QueuedRecord]:
        """Return what may go now, without the records whose deadline has passed."""
        doubt = self.doubts.get(queue.topic)
        limit = self._limit if doubt is None else min(self._limit, doubt.ceiling)
        alive: list[QueuedRecord] = []
        while not alive and (taken := queue.take(limit, self._most)):
            alive = self._owner.still_wanted(taken)
        return alive

    def _find(self, queue: _TopicQueue, client: Client) -> None:
        """Have the topic's leaders looked up first: librdkafka must not split what waits for it."""
        if queue.asked:
            return
        queue.asked = True
        try:
            client.topic(queue.topic)
        except ProduceError:
            queue.open = True
            return

        def found(_: asyncio.Future[int]) -> None:
            if client is self._client:
                queue.open = True
                self._soon(queue)

        wait = max(1, self._config.deadline // 3)
        self._prober.find(client, queue.topic, wait).add_done_callback(found)

    def _send(self, queue: _TopicQueue, client: Client, records: list[QueuedRecord]) -> None:
        batch = Batch()
        for record in records:
            batch.add(record.token, record.value, record.key, record.headers, record.size)
        queue.sent(records)
        refused = client.produce(queue.topic, batch)
        if refused:
            queue.reported(token for token, _ in refused)
            sizes = {record.token: len(record.value) for record in records}
            self._owner.not_taken(
                queue.topic, [(token, sizes[token], code) for token, code in refused]
            )
        client.push()
        self._later(queue, _PUSH_AGAIN if queue.in_flight else 0.0)


def _weight(records: Sequence[QueuedRecord]) -> int:
    """Return the bytes that records take in a batch, uncompressed; rather too many."""
    return OVERHEAD + sum(record.size + OVERHEAD for record in records)
