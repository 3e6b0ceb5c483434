# SPDX-License-Identifier: Apache-2.0
"""The storage ``kafka``: a topic that all nodes read, and answers written with their records.

The decision page ``idempotency-keys.md`` has the protocol and why it holds.
"""

from __future__ import annotations

import asyncio
from time import time
from typing import Any
from uuid import uuid4

from gateway.errors import (
    NodeStoreUnavailable,
    ProduceError,
    ReleaseRefused,
    TransactionAborted,
    TransactionUnknown,
)
from gateway.http.messages import Request
from gateway.kafka.outbox import Outbox, OutboxRecord
from gateway.kafka.topic_reader import ReadRecord, TopicReader
from gateway.kafka.transactions import TransactionalWriter, client_settings
from gateway.logs import get_logger
from gateway.plugins.base import PluginContext
from gateway.plugins.idempotency.attempt import Attempt
from gateway.plugins.idempotency.claims import (
    Claims,
    Held,
    answer_record,
    claim_of,
    claim_record,
    release_record,
)
from gateway.plugins.kafka_upstream.schema import Config as KafkaUpstreamConfig
from gateway.plugins.produce.producer_config import kafka_upstream_producer
from gateway.plugins.shared_store import Seen, Standing

_log = get_logger("gateway.idempotency")

_MOST = 64 * 1024**2
"""Bytes of answers that a worker keeps; of older ones it keeps that they were given."""
_SEEN = 20.0
"""Seconds within which a record that was written must come back."""


class KafkaStorage:
    """One per handler: a producer, a transactional one, and two readers of the topic."""

    atomic = True

    def __init__(self, config: Any, context: PluginContext) -> None:
        self._wait: float = config.wait_timeout
        self._again: bool = config.unknown_outcome == "repeat"
        self._lease: float = config.kafka.lease
        self._topic: str = config.kafka.topic
        self._pool = context.producers
        try:
            wanted = kafka_upstream_producer(
                _as_upstream(config.kafka), context.certificate, context.trusted_ca
            )
            self._producer = self._pool.get(wanted)
        except ProduceError as error:
            raise ReleaseRefused([f"idempotency: {error}"]) from None
        settings = client_settings(wanted)
        self._writer = TransactionalWriter(settings, wanted.partitioner)
        self._claims = Claims(config.window, _MOST)
        self._active: set[str] = set()
        self._decided: dict[str, asyncio.Future[bool]] = {}
        self._committed: dict[str, asyncio.Future[None]] = {}
        self._waiting: dict[bytes, set[asyncio.Future[None]]] = {}
        since = 2.0 * config.window
        self._readers = [
            TopicReader(settings, self._topic, since, self._take_claim, committed=False),
            TopicReader(settings, self._topic, since, self._take_answer, committed=True),
        ]

    async def begin(self, attempt: Attempt, request: Request) -> Seen:
        """See ``Storage``."""
        loop, key = asyncio.get_running_loop(), attempt.key.encode()
        end = loop.time() + self._wait
        await self._caught_up()
        while True:
            held = self._claims.held(key, time())
            seen = None if held is None else await self._met(key, held, attempt, end)
            if seen is None:
                seen = await self._claim(key, held, attempt, request)
            if seen is not None and seen.standing is not Standing.BUSY:
                return seen
            if loop.time() >= end:
                return Seen(Standing.BUSY)

    async def finish(self, attempt: Attempt, value: bytes) -> None:
        """See ``Storage``: the records and the answer in one transaction."""
        outbox: Outbox = attempt.outbox
        answer = OutboxRecord(
            self._topic, answer_record(attempt.token, value), attempt.key.encode(), ()
        )
        try:
            await self._writer.commit(attempt.identity, [*outbox.records, answer])
        except TransactionAborted as error:
            await self.release(attempt)
            raise NodeStoreUnavailable(str(error)) from None
        except TransactionUnknown as error:
            raise NodeStoreUnavailable(str(error)) from None
        finally:
            self._active.discard(attempt.token)

    async def release(self, attempt: Attempt, *, responded: bool = False) -> None:
        """See ``Storage``; what was in the outbox is not written."""
        self._active.discard(attempt.token)
        await self._send(attempt.key.encode(), release_record(attempt.token))

    def close(self) -> None:
        """End the threads, give the producer back."""
        for reader in self._readers:
            reader.close()
        self._writer.close()
        self._pool.release(self._producer)

    async def _caught_up(self) -> None:
        try:
            async with asyncio.timeout(max(self._wait, 1.0)):
                for reader in self._readers:
                    await reader.ready.wait()
        except TimeoutError:
            raise NodeStoreUnavailable(f"the topic {self._topic} is not read yet") from None

    async def _met(self, key: bytes, held: Held, attempt: Attempt, end: float) -> Seen | None:
        """Return what a claim means for another request; None: claim the key after it.

        BUSY also stands for: look again.
        """
        answer = self._claims.answer_to(held)
        if answer is not None:
            return Seen(Standing.FOUND, value=answer)
        if held.released:
            return None
        if held.mark != attempt.mark.hex():
            return Seen(Standing.OTHER)
        left = held.at + self._lease - time()
        if held.token in self._active or left > 0:
            now = asyncio.get_running_loop().time()
            await self._changed(key, min(end - now, max(left, 0.1)))
            return Seen(Standing.BUSY)
        if not held.exact and not self._again:
            return Seen(Standing.LOST)
        if held.exact:
            _log.warning("an attempt was cut off; another one takes over", key=attempt.key)
            try:
                await self._writer.fence(held.identity)
            except TransactionUnknown as error:
                raise NodeStoreUnavailable(str(error)) from None
        return None

    async def _claim(
        self, key: bytes, held: Held | None, attempt: Attempt, request: Request
    ) -> Seen | None:
        """Claim a key; None when another one was faster."""
        try:
            identity = await self._writer.identity()
        except TransactionAborted as error:
            raise NodeStoreUnavailable(str(error)) from None
        token, loop = uuid4().hex, asyncio.get_running_loop()
        decided: asyncio.Future[bool] = loop.create_future()
        committed: asyncio.Future[None] = loop.create_future()
        self._decided[token], self._committed[token] = decided, committed
        exact = request.chain is not None and request.chain.produces
        after = "" if held is None else held.token
        value = claim_record(token, after, attempt.mark.hex(), identity, exact=exact)
        self._active.add(token)
        try:
            await self._send(key, value)
            async with asyncio.timeout(_SEEN):
                if not await decided:
                    self._active.discard(token)
                    return None
                if held is not None:
                    # What its predecessors wrote comes before it in the log.
                    await committed
        except TimeoutError:
            self._active.discard(token)
            await self._send(key, release_record(token))
            raise NodeStoreUnavailable("a claim that was written does not come back") from None
        except BaseException:
            self._active.discard(token)
            raise
        finally:
            del self._decided[token], self._committed[token]
        now = self._claims.held(key, time())
        answer = None if now is None else self._claims.answer_to(now)
        if answer is not None:
            self._active.discard(token)
            return Seen(Standing.FOUND, value=answer)
        attempt.identity = identity
        attempt.outbox = request.outbox = Outbox(self._producer.config)
        return Seen(Standing.BEGUN, token)

    async def _send(self, key: bytes, value: bytes) -> None:
        """Write a record outside of any transaction; return when it is there."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def report(error: ProduceError | None) -> None:
            if done.done():
                return
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(NodeStoreUnavailable(f"{self._topic}: {error}"))

        try:
            self._producer.send(self._topic, value, key, (), report)
        except ProduceError as error:
            raise NodeStoreUnavailable(f"{self._topic}: {error}") from None
        await done

    async def _changed(self, key: bytes, within: float) -> None:
        """Wait until something is read about a key."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, set()).add(waiter)
        try:
            async with asyncio.timeout(max(within, 0)):
                await waiter
        except TimeoutError:
            pass
        finally:
            waiters = self._waiting.get(key, set())
            waiters.discard(waiter)
            if not waiters:
                self._waiting.pop(key, None)

    def _take_claim(self, record: ReadRecord) -> None:
        said = claim_of(record.value)
        if said is None:
            return
        holds = self._claims.claim(record.key, record.at, said)
        decided = self._decided.get(said.get("claim", ""))
        if decided is not None and not decided.done():
            decided.set_result(holds)
        self._wake(record.key)

    def _take_answer(self, record: ReadRecord) -> None:
        self._claims.answer(record.at, record.value)
        said = claim_of(record.value) if self._committed else None
        committed = None if said is None else self._committed.get(said.get("claim", ""))
        if committed is not None and not committed.done():
            committed.set_result(None)
        self._wake(record.key)

    def _wake(self, key: bytes) -> None:
        for waiter in self._waiting.get(key, ()):
            if not waiter.done():
                waiter.set_result(None)


def _as_upstream(settings: Any) -> KafkaUpstreamConfig:
    """Return the settings as those of a plugin that writes records, each acknowledged by all."""
    return KafkaUpstreamConfig(
        topic=settings.topic,
        bootstrap_servers=settings.bootstrap_servers,
        authentication=settings.authentication,
        security=settings.security,
        producer_async=False,
        producer_request_acks=-1,
    )
