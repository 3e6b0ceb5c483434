# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio

from gateway.kafka.outbox import OutboxRecord
from gateway.kafka.topic_reader import ReadRecord, TopicReader
from gateway.kafka.transactions import TransactionalWriter
from tests.support.broker import Broker
from tests.support.producing import until
from tests.support.waiting import PATIENCE


async def test_readers_see_what_is_there_and_what_comes(broker: Broker) -> None:
    topic = broker.topic(3)
    writer = TransactionalWriter(broker.client(), "consistent_random")
    identity = await writer.identity()
    await writer.commit(identity, [OutboxRecord(topic, b"1", b"k", ())])
    seen: dict[bool, list[ReadRecord]] = {True: [], False: []}
    readers = [
        TopicReader(broker.client(), topic, 60, seen[committed].append, committed=committed)
        for committed in (True, False)
    ]
    async with asyncio.timeout(PATIENCE):
        for reader in readers:
            await reader.ready.wait()
    await until(lambda: all(len(found) == 1 for found in seen.values()))
    await writer.commit(identity, [OutboxRecord(topic, b"2", b"k", ())])
    await until(lambda: all(len(found) == 2 for found in seen.values()))
    assert [(one.key, one.value) for one in seen[True]] == [(b"k", b"1"), (b"k", b"2")]
    assert seen[True][0].at > 1_000_000_000
    for reader in readers:
        reader.close()
    writer.close()


async def test_an_empty_topic_is_read_at_once_and_a_missing_one_when_it_is_there(
    broker: Broker,
) -> None:
    empty, name = broker.topic(), "made-later"
    readers = [
        TopicReader(broker.client(), topic, 60, lambda _: None, committed=True)
        for topic in (empty, name)
    ]
    async with asyncio.timeout(PATIENCE):
        await readers[0].ready.wait()
        assert not readers[1].ready.is_set()
        await asyncio.to_thread(broker.create, name)
        await readers[1].ready.wait()
    for reader in readers:
        reader.close()
