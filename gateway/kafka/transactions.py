# SPDX-License-Identifier: Apache-2.0
"""Records written together or not at all, by Kafka's transactions, and rivals kept from writing.

A writer has an identity, a transactional id of its own that is never used again once it is lost.
``fence`` makes sure that nothing more will be written under an identity: an open transaction of it
is aborted, a later one fails (KIP-98: the producer's epoch). So one who was told an identity can
find out for certain what its owner has written and never will.

confluent-kafka's producer on a thread of its own: its calls block, and a transaction holds the
records of all requests that came while the one before was committed.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import uuid4

from gateway.errors import TransactionAborted, TransactionUnknown
from gateway.kafka.config import ProducerConfig, librdkafka_settings
from gateway.kafka.outbox import OutboxRecord
from gateway.logs import get_logger

_log = get_logger("gateway.kafka")

PREFIX = "kafka-gateway-"
"""What every transactional id begins with, for access rules."""
_TOGETHER = 500
"""Requests whose records share a transaction at most."""
_WITHIN = 10.0
"""Seconds for each step of a transaction."""
_CONNECTION = ("bootstrap.", "client.", "security.", "sasl.", "ssl.", "socket.", "reconnect.")


class _Job(NamedTuple):
    """``records`` are None when only the identity is asked for."""

    identity: str
    records: Sequence[OutboxRecord] | None
    done: asyncio.Future[str]


def client_settings(config: ProducerConfig) -> dict[str, str]:
    """Return the settings of a producer's connections for other clients of the same brokers."""
    settings = librdkafka_settings(config)
    return {name: text for name, text in settings.items() if name.startswith(_CONNECTION)}


class TransactionalWriter:
    """Made on the event loop; its calls are coroutines of that loop."""

    def __init__(self, settings: Mapping[str, str], partitioner: str) -> None:
        self._settings = {
            **settings,
            "partitioner": partitioner,
            "transaction.timeout.ms": str(int(_WITHIN * 1000)),
            "linger.ms": "0",
            "log_level": "0",
        }
        self._loop = asyncio.get_running_loop()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._identity = ""
        self._producer: Any = None
        threading.Thread(target=self._work, name="transactions", daemon=True).start()

    async def identity(self) -> str:
        """Return the identity in force; raises ``TransactionAborted`` when there is none."""
        return self._identity or await self._put("", None)

    async def commit(self, identity: str, records: Sequence[OutboxRecord]) -> None:
        """Write all records or none.

        Raises ``TransactionAborted`` when none is written and none will be, as where ``identity``
        is no longer the one in force; ``TransactionUnknown`` when only fencing the identity tells.
        """
        await self._put(identity, records)

    async def fence(self, identity: str) -> None:
        """Return when nothing more can be written under an identity; ``TransactionUnknown``."""
        if identity == self._identity:
            self._identity = ""
        await self._loop.run_in_executor(None, self._fence, identity)

    def close(self) -> None:
        """End the thread when what was asked for is done."""
        self._jobs.put(None)

    async def _put(self, identity: str, records: Sequence[OutboxRecord] | None) -> str:
        done: asyncio.Future[str] = self._loop.create_future()
        self._jobs.put(_Job(identity, records, done))
        return await done

    # --- on the thread -----------------------------------------------------------------------

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            jobs, closing = [job], False
            while len(jobs) < _TOGETHER and not self._jobs.empty():
                following = self._jobs.get()
                if following is None:
                    closing = True
                    break
                jobs.append(following)
            self._do(jobs)
            if closing:
                break
        self._drop()

    def _do(self, jobs: list[_Job]) -> None:
        try:
            self._open()
        except Exception as error:
            self._drop()
            self._report(jobs, TransactionAborted(f"no transactional producer: {error}"))
            return
        identity = self._identity
        asking = [job for job in jobs if job.records is None]
        void = [job for job in jobs if job.records is not None and job.identity != identity]
        writing = [job for job in jobs if job.records is not None and job.identity == identity]
        self._report(asking, identity)
        self._report(void, TransactionUnknown("the producer has another identity by now"))
        if writing:
            outcome = self._write(writing)
            if isinstance(outcome, TransactionAborted) and len(writing) > 1:
                # One request's records may have been the reason: each by itself.
                for job in writing:
                    self._report([job], self._write([job]))
            else:
                self._report(writing, outcome)

    def _open(self) -> None:
        if self._producer is not None and self._identity:
            return
        from confluent_kafka import Producer

        self._drop()
        identity = PREFIX + uuid4().hex
        producer = Producer({**self._settings, "transactional.id": identity})
        producer.init_transactions(_WITHIN)
        # Only now: nobody may hear of an identity that is still to take its epoch.
        self._producer, self._identity = producer, identity

    def _write(self, jobs: list[_Job]) -> str | Exception:
        """Commit the records of many requests; return what each of them is told."""
        from confluent_kafka import KafkaException

        producer = self._producer
        if producer is None:
            return TransactionAborted("the producer was lost")
        try:
            producer.begin_transaction()
            for job in jobs:
                for record in job.records or ():
                    producer.produce(
                        record.topic, record.value, record.key, headers=list(record.headers)
                    )
            producer.commit_transaction(_WITHIN)
        except (KafkaException, BufferError) as error:
            return self._abort(error)
        return ""

    def _abort(self, error: Exception) -> Exception:
        """Undo a transaction; where that fails too, only fencing tells what became of it."""
        from confluent_kafka import KafkaException

        try:
            self._producer.abort_transaction(_WITHIN)
        except KafkaException as second:
            _log.error("transaction lost", problem=str(error), then=str(second))
            self._drop()
            return TransactionUnknown(str(error))
        _log.warning("transaction aborted", problem=str(error))
        return TransactionAborted(str(error))

    def _fence(self, identity: str) -> None:
        from confluent_kafka import KafkaException, Producer

        try:
            producer = Producer({**self._settings, "transactional.id": identity})
            producer.init_transactions(_WITHIN)
        except KafkaException as error:
            raise TransactionUnknown(f"cannot fence {identity}: {error}") from None

    def _drop(self) -> None:
        self._identity = ""
        self._producer = None

    def _report(self, jobs: list[_Job], outcome: str | Exception) -> None:
        def tell() -> None:
            for job in jobs:
                if job.done.done():
                    continue
                if isinstance(outcome, Exception):
                    job.done.set_exception(outcome)
                else:
                    job.done.set_result(outcome)

        if jobs and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(tell)
