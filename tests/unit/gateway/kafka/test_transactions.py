# SPDX-License-Identifier: Apache-2.0
"""Transactions on a real broker: all or nothing, and nothing under an identity that was fenced."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.errors import TransactionAborted, TransactionUnknown
from gateway.kafka.outbox import OutboxRecord
from gateway.kafka.transactions import PREFIX, TransactionalWriter
from tests.support.broker import Broker


@asynccontextmanager
async def writers(broker: Broker, count: int = 1) -> AsyncIterator[list[TransactionalWriter]]:
    made = [TransactionalWriter(broker.client(), "consistent_random") for _ in range(count)]
    try:
        yield made
    finally:
        for writer in made:
            writer.close()


def record(topic: str, value: bytes) -> OutboxRecord:
    return OutboxRecord(topic, value, b"key", [("name", b"value")])


async def test_records_of_many_requests_are_written_with_key_and_headers(broker: Broker) -> None:
    topic = broker.topic()
    async with writers(broker) as (writer,):
        identity = await writer.identity()
        assert identity.startswith(PREFIX)
        await asyncio.gather(
            *(writer.commit(identity, [record(topic, b"%d" % n)] * 2) for n in range(20))
        )
        assert await writer.identity() == identity
    found = await asyncio.to_thread(broker.records, topic, 40)
    assert sorted(int(one.value()) for one in found) == sorted([*range(20)] * 2)
    assert found[0].key() == b"key"
    assert found[0].headers() == [("name", b"value")]


async def test_one_that_was_fenced_writes_nothing_and_goes_on_under_another_name(
    broker: Broker,
) -> None:
    topic = broker.topic()
    async with writers(broker, 2) as (writer, rival):
        identity = await writer.identity()
        await writer.commit(identity, [record(topic, b"1")])
        await rival.fence(identity)
        with pytest.raises(TransactionUnknown):
            await writer.commit(identity, [record(topic, b"2")])
        with pytest.raises(TransactionUnknown, match="another identity"):
            await writer.identity()
            await writer.commit(identity, [record(topic, b"3")])
        new = await writer.identity()
        assert new != identity
        await writer.commit(new, [record(topic, b"4")])
    found = await asyncio.to_thread(broker.records, topic, 2)
    assert [one.value() for one in found if one.value() in (b"1", b"4")] == [b"1", b"4"]


async def test_a_record_that_cannot_be_written_takes_none_of_the_others_along(
    broker: Broker,
) -> None:
    topic, narrow = broker.topic(), broker.topic(1, {"max.message.bytes": "1000"})
    async with writers(broker) as (writer,):
        identity = await writer.identity()
        large = [record(topic, b"with it"), record(narrow, bytes(5000))]
        outcomes = await asyncio.gather(
            writer.commit(identity, [record(topic, b"before")]),
            writer.commit(identity, large),
            writer.commit(identity, [record(topic, b"behind")]),
            return_exceptions=True,
        )
        assert isinstance(outcomes[1], TransactionAborted | TransactionUnknown)
        assert [outcomes[0], outcomes[2]] == [None, None]


async def test_without_a_broker_nothing_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.kafka.transactions._WITHIN", 1.0)
    writer = TransactionalWriter({"bootstrap.servers": "127.0.0.1:1"}, "consistent_random")
    with pytest.raises(TransactionAborted):
        await writer.identity()
    writer.close()
