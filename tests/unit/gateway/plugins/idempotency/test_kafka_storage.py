# SPDX-License-Identifier: Apache-2.0
"""A key in a topic of a real broker: at each moment at which its owner may die, one record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from gateway.errors import NodeStoreUnavailable, TransactionUnknown
from gateway.kafka.pool import ProducerPool
from gateway.kafka.transactions import TransactionalWriter
from gateway.plugins.base import PluginContext
from gateway.plugins.idempotency.attempt import Attempt
from gateway.plugins.idempotency.kafka_storage import KafkaStorage
from gateway.plugins.idempotency.schema import Config
from gateway.plugins.shared_store import Seen, Standing
from tests.support.broker import Broker
from tests.support.keyed import keyed
from tests.support.waiting import PATIENCE

MARK = bytes(range(32))


class Nodes:
    """Storages of nodes that share a topic, and a topic of records."""

    def __init__(self, broker: Broker, pool: ProducerPool, **config: Any) -> None:
        self.broker, self.pool = broker, pool
        self.keys = broker.topic(2, {"cleanup.policy": "compact"})
        self.records = broker.topic()
        name, password = broker.admin
        self.kafka: dict[str, Any] = {
            "topic": self.keys,
            "bootstrap_servers": [{"host": "127.0.0.1", "port": broker.port}],
            "authentication": {"mechanism": "PLAIN", "user": name, "password": password},
            "security": {"ssl": True},
            "lease": 1,
        }
        self._given: dict[str, Any] = {"wait_timeout": 20, "kafka": self.kafka, **config}
        self.storages: list[KafkaStorage] = []

    def node(self) -> KafkaStorage:
        """Start another node."""
        context = PluginContext(
            producers=self.pool, certificate=lambda _: None, trusted_ca=self.broker.ca_file
        )
        config = Config(storage="kafka", **self._given)
        self.storages.append(KafkaStorage(config, context))
        return self.storages[-1]

    async def begin(
        self, node: KafkaStorage, mark: bytes = MARK, *, exact: bool = True
    ) -> tuple[Attempt, Seen]:
        """Begin an attempt that would write one record."""
        request = keyed()
        request.chain = SimpleNamespace(produces=exact)
        attempt = Attempt("idempotency:key", mark)
        seen = await node.begin(attempt, request)
        attempt.token = seen.token
        if seen.standing is Standing.BEGUN:
            attempt.outbox.send(self.records, b"record")
        return attempt, seen

    async def written(self) -> int:
        """Return how many records a consumer of committed ones sees."""
        return await asyncio.to_thread(self._committed)

    def _committed(self) -> int:
        settings = {
            **self.broker.client(),
            "group.id": "none",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
        consumer = Consumer(settings)
        try:
            consumer.assign([TopicPartition(self.records, 0, 0)])
            found = 0
            while (message := consumer.poll(PATIENCE)) is not None and message.error() is None:
                found += 1
            assert message is not None
            return found
        finally:
            consumer.close()


@asynccontextmanager
async def nodes(broker: Broker, **config: Any) -> AsyncIterator[Nodes]:
    pool = ProducerPool(asyncio.get_running_loop())
    made = Nodes(broker, pool, **config)
    try:
        yield made
    finally:
        for storage in made.storages:
            storage.close()
        await pool.close(5)


async def test_many_at_once_on_two_nodes_one_begins_and_all_see_its_answer(broker: Broker) -> None:
    async with nodes(broker) as many:
        both = [many.node(), many.node()]

        async def ask(node: KafkaStorage) -> Seen:
            attempt, seen = await many.begin(node)
            if seen.standing is Standing.BEGUN:
                await node.finish(attempt, MARK + b"answer")
            return seen

        found = await asyncio.gather(*(ask(both[number % 2]) for number in range(40)))
        assert sorted(one.standing for one in found) == ["begun"] + ["found"] * 39
        assert {one.value for one in found if one.value} == {MARK + b"answer"}
        assert await many.written() == 1


async def test_a_node_that_starts_later_knows_the_answer(broker: Broker) -> None:
    async with nodes(broker) as many:
        first = many.node()
        attempt, _ = await many.begin(first)
        await first.finish(attempt, MARK + b"answer")
        assert (await many.begin(many.node()))[1] == Seen(Standing.FOUND, "", MARK + b"answer")


async def test_another_request_under_the_key_is_another(broker: Broker) -> None:
    async with nodes(broker) as many:
        await many.begin(many.node())
        assert (await many.begin(many.node(), bytes(32)))[1].standing is Standing.OTHER


async def test_a_failed_attempt_frees_the_key_and_writes_nothing(broker: Broker) -> None:
    async with nodes(broker) as many:
        one, other = many.node(), many.node()
        attempt, _ = await many.begin(one)
        await one.release(attempt)
        again, seen = await many.begin(other)
        assert seen.standing is Standing.BEGUN
        await other.finish(again, MARK)
        assert await many.written() == 1


async def test_death_before_the_record_is_taken_over(broker: Broker) -> None:
    async with nodes(broker) as many:
        await many.begin(many.node())
        alive = many.node()
        attempt, seen = await many.begin(alive)
        assert seen.standing is Standing.BEGUN
        await alive.finish(attempt, MARK)
        assert await many.written() == 1


async def test_death_between_record_and_answer_is_undone_and_taken_over(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Producer] = []

    def die(self: TransactionalWriter, jobs: list[Any]) -> Exception:
        producer = self._producer
        producer.begin_transaction()
        producer.produce(jobs[0].records[0].topic, jobs[0].records[0].value)
        assert producer.flush(PATIENCE) == 0
        opened.append(producer)
        return TransactionUnknown("nobody hears of it")

    async with nodes(broker) as many:
        dead, alive = many.node(), many.node()
        attempt, _ = await many.begin(dead)
        with monkeypatch.context() as patch, pytest.raises(NodeStoreUnavailable):
            patch.setattr(TransactionalWriter, "_write", die)
            await dead.finish(attempt, MARK)
        assert opened
        again, seen = await many.begin(alive)
        assert seen.standing is Standing.BEGUN, "the record in the open transaction counts not"
        await alive.finish(again, MARK)
        assert await many.written() == 1


async def test_death_after_both_is_an_answer(broker: Broker) -> None:
    async with nodes(broker) as many:
        dead, alive = many.node(), many.node()
        attempt, _ = await many.begin(dead)
        await dead.finish(attempt, MARK + b"answer")
        assert (await many.begin(alive))[1].value == MARK + b"answer"
        assert await many.written() == 1


async def test_one_that_was_only_slow_cannot_write_after_it_was_taken_over(broker: Broker) -> None:
    async with nodes(broker) as many:
        slow, quick = many.node(), many.node()
        attempt, _ = await many.begin(slow)
        again, seen = await many.begin(quick)
        assert seen.standing is Standing.BEGUN
        with pytest.raises(NodeStoreUnavailable):
            await slow.finish(attempt, MARK + b"late")
        await quick.finish(again, MARK + b"answer")
        assert (await many.begin(slow))[1].value == MARK + b"answer"
        assert await many.written() == 1


@pytest.mark.parametrize("outcome", ["refuse", "repeat"])
async def test_what_is_not_written_to_kafka_is_lost_or_repeated(
    broker: Broker, outcome: str
) -> None:
    async with nodes(broker, unknown_outcome=outcome) as many:
        await many.begin(many.node(), exact=False)
        seen = (await many.begin(many.node(), exact=False))[1]
        assert seen.standing is (Standing.LOST if outcome == "refuse" else Standing.BEGUN)


async def test_while_the_topic_cannot_be_read_it_is_unavailable(broker: Broker) -> None:
    async with nodes(broker, wait_timeout=0) as many:
        many.kafka["topic"] = "not-there"
        with pytest.raises(NodeStoreUnavailable, match="not read yet"):
            await many.begin(many.node())
