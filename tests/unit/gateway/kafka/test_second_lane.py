# SPDX-License-Identifier: Apache-2.0
"""Records of refused batches are sent again in smaller ones, on the mock cluster."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any
from zlib import crc32

import pytest

from gateway.errors import BufferFull, ProduceError
from gateway.kafka.client import Client
from gateway.kafka.config import ProducerConfig
from gateway.kafka.key_order import QueuedRecord
from gateway.kafka.librdkafka import error_name
from gateway.kafka.second_lane import MOST_TOGETHER, SecondLane
from tests.support.mock_kafka import MockKafka, mock_kafka, written
from tests.support.producing import Worker, until, working

INVALID_RECORD = 87
MSG_SIZE_TOO_LARGE = 10
NOT_ENOUGH_REPLICAS = 19
# RECORD_LIST_TOO_LARGE, INVALID_TIMESTAMP, UNSUPPORTED_FOR_MESSAGE_FORMAT, POLICY_VIOLATION
OTHERS = (18, 32, 43, 44)


def config(cluster: MockKafka, acks: int = 1, **changes: Any) -> ProducerConfig:
    # Records that are sent together make one batch also on a busy machine.
    extra = (("linger.ms", "50"),)
    return ProducerConfig(
        (cluster.bootstrap,), acks=acks, idempotent=acks == -1, extra=extra, **changes
    )


async def sent(producer: Any, count: int, size: int = 10) -> list[Any]:
    """Send records together; return what became of each."""
    # A push for those before would have the first of these leave without the others.
    await until(lambda: not producer.client.pushing)
    loop = asyncio.get_running_loop()
    reports = [loop.create_future() for _ in range(count)]
    for report in reports:
        producer.send("t", b"x" * size, on_delivery=report.set_result)
    return await asyncio.gather(*reports)


@pytest.mark.kafka
@pytest.mark.parametrize("acks", [1, -1])
@pytest.mark.parametrize("code", [MSG_SIZE_TOO_LARGE, INVALID_RECORD, *OTHERS])
def test_records_that_were_refused_together_are_written_apart(
    cluster: MockKafka, code: int, acks: int
) -> None:
    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config(cluster, acks))
        assert await sent(producer, 1) == [None]
        cluster.fail(code, code)
        assert await sent(producer, 20) == [None] * 20
        assert (producer.records, producer.messages, producer.bytes) == (21, 0, 0)
        assert worker.pool.metrics()["failures"] == {}

    working(job)


@pytest.mark.kafka
@pytest.mark.parametrize("acks", [1, -1])
def test_a_record_that_is_refused_alone_fails_once_and_for_all(
    cluster: MockKafka, monkeypatch: pytest.MonkeyPatch, acks: int
) -> None:
    # However busy the machine is, the second half is not sent before the first is reported: these
    # have no key, so nothing else would hold it back.
    monkeypatch.setattr("gateway.kafka.second_lane._PATIENCE", 60.0)

    async def job(worker: Worker) -> list[Any]:
        producer = worker.pool.get(config(cluster, acks))
        assert await sent(producer, 1) == [None]
        # All four, three halves of them, and both records of the first.
        cluster.fail(*[INVALID_RECORD] * 4)
        found = await sent(producer, 4)
        assert (producer.messages, producer.bytes) == (0, 0)
        return found

    first, second, third, fourth = working(job)
    assert isinstance(first, ProduceError)
    assert isinstance(second, ProduceError)
    assert first.reason == error_name(INVALID_RECORD)
    assert third is fourth is None


@pytest.mark.kafka
def test_refused_records_are_given_up_at_their_deadline(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config(cluster, deadline=1200))
        assert await sent(producer, 1) == [None]
        # Tried again in smaller batches, which are not written before the broker goes either.
        cluster.fail(MSG_SIZE_TOO_LARGE, *[NOT_ENOUGH_REPLICAS] * 100)
        waiting = asyncio.ensure_future(sent(producer, 6))
        await until(lambda: producer.doubts)
        cluster.down()
        found = await waiting
        assert all(isinstance(error, ProduceError) for error in found)
        cluster.fail_no_more()
        cluster.up()
        await until(lambda: producer.messages == producer.bytes == 0)

    working(job)


@pytest.mark.kafka
def test_records_like_the_refused_are_turned_away_when_too_many_wait(
    cluster: MockKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.kafka.second_lane._MOST_SUSPECTS", 5)

    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config(cluster))
        cluster.fail(INVALID_RECORD)
        (error,) = await sent(producer, 1)
        assert isinstance(error, ProduceError)
        # Keyless records are sent one by one until one of them is written.
        cluster.round_trip(100)
        with pytest.raises(BufferFull):
            for _ in range(50):
                producer.send("t", b"x")
        assert producer.metrics()["refusals"] == {"suspect": 1}
        producer.send("t", b"x", b"a key")
        await until(lambda: producer.messages == 0)
        producer.send("t", b"x")

    working(job)


@pytest.mark.kafka
@pytest.mark.parametrize(("batch_bytes", "others"), [(1000, False), (1_048_576, True)])
def test_others_stay_in_batches_that_are_smaller_than_what_was_refused(
    cluster: MockKafka, batch_bytes: int, others: bool
) -> None:
    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config(cluster, batch_bytes=batch_bytes))
        cluster.fail(MSG_SIZE_TOO_LARGE)
        (error,) = await sent(producer, 1, size=2000)
        assert isinstance(error, ProduceError)
        assert producer.second_lane.takes(QueuedRecord(0, "t", b"", None, (), 2500))
        assert producer.second_lane.takes(QueuedRecord(0, "t", b"", None, (), 10)) is others

    working(job)


@pytest.mark.kafka
def test_so_many_records_of_one_key_go_together_that_others_get_their_turn(
    cluster: MockKafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches = []
    send = SecondLane._send

    def noted(lane: Any, road: Any, client: Any, records: list[QueuedRecord]) -> None:
        batches.append([record.token for record in records])
        send(lane, road, client, records)

    monkeypatch.setattr(SecondLane, "_send", noted)

    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config(cluster))
        for _ in range(3 * MOST_TOGETHER):
            producer.send("t", b"x", b"a key")
        await until(lambda: producer.messages == 0)
        assert producer.records == 3 * MOST_TOGETHER

    working(job)
    assert max(map(len, batches)) == MOST_TOGETHER
    flat = [token for batch in batches for token in batch]
    assert flat == sorted(flat)


@pytest.mark.kafka
@pytest.mark.parametrize("acks", [1, -1])
def test_a_second_client_that_librdkafka_gave_up_is_replaced(cluster: MockKafka, acks: int) -> None:
    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config(cluster, acks))
        for _ in range(2):
            for _ in range(10):
                cluster.fail(MSG_SIZE_TOO_LARGE)
                errors = await sent(producer, 6)
                # One that librdkafka sent ahead of the others is refused for itself.
                assert errors[1:] == [None] * 5
                producer.doubts.clear()
                if errors[0] is None:
                    break
            assert errors[0] is None
            producer.second_lane.on_fatal(45, "the sequence is broken")

    working(job)


def numbered(producer: Any, count: int, key: bytes = b"a key", size: int = 2) -> None:
    """Send records with one key; the values tell their order."""
    for number in range(count):
        producer.send("t", b"%02d" % number + b"x" * (size - 2), key)


def numbers(cluster: MockKafka) -> list[int]:
    """Return which of them were written, in the topic's order."""
    return [int(value[:2]) for value in written(cluster)]


@pytest.mark.kafka
@pytest.mark.parametrize("acks", [1, -1])
def test_pieces_of_a_batch_with_one_key_do_not_overtake_each_other_on_a_slow_broker(
    cluster: MockKafka, monkeypatch: pytest.MonkeyPatch, acks: int
) -> None:
    monkeypatch.setattr("gateway.kafka.second_lane._PATIENCE", 0.02)

    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config(cluster, acks))
        cluster.round_trip(150)
        # The first record goes alone; of those behind all, and then the first half, are refused.
        cluster.fail(0, INVALID_RECORD, INVALID_RECORD)
        numbered(producer, 9)
        await until(lambda: producer.messages == 0)
        assert producer.metrics()["failures"] == {}

    working(job)
    assert numbers(cluster) == list(range(9))


@pytest.mark.kafka
@pytest.mark.parametrize("acks", [1, -1])
def test_records_of_one_key_stay_together_however_long_it_takes_to_queue_them(
    cluster: MockKafka, monkeypatch: pytest.MonkeyPatch, acks: int
) -> None:
    lend = Client._lend

    def slowly(client: Client, token: int, value: bytes) -> int:
        # As on a machine that has others to serve meanwhile.
        time.sleep(0.04)
        return lend(client, token, value)

    monkeypatch.setattr(Client, "_lend", slowly)

    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config(cluster, acks))
        cluster.fail(0, INVALID_RECORD)
        # Too large to be handed over with one call.
        numbered(producer, 9, size=20_000)
        await until(lambda: producer.messages == 0)
        assert producer.metrics()["failures"] == {}

    working(job)
    assert numbers(cluster) == list(range(9))


@pytest.mark.kafka
def test_what_comes_while_a_broker_is_stuck_goes_to_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.kafka.second_lane._PATIENCE", 0.0)
    # As librdkafka chooses partitions by default.
    slow, quick = (next(b"%d" % n for n in range(9) if crc32(b"%d" % n) % 2 == p) for p in (0, 1))

    async def job(worker: Worker, cluster: MockKafka) -> None:
        producer = worker.pool.get(config(cluster))
        told: list[bytes] = []

        def send(key: bytes, then: Callable[[], None] = lambda: None) -> None:
            def first(_: ProduceError | None) -> None:
                told.append(key)
                then()

            # The first goes alone, the others behind it together, the second way.
            producer.send("t", b"first", key, on_delivery=first)
            for _ in range(2):
                producer.send("t", b"x", key, on_delivery=lambda _: told.append(key))

        send(quick)
        await until(lambda: producer.messages == 0)
        told.clear()
        send(slow, lambda: cluster.round_trip(3000, broker=1))
        await until(lambda: told)
        send(quick)
        await until(lambda: producer.messages == 0)
        assert told == [slow, quick, quick, quick, slow, slow]

    with mock_kafka(2) as cluster:
        cluster.create("t", partitions=2)
        cluster.lead("t", 1, 0)
        cluster.lead("t", 2, 1)
        working(lambda worker: job(worker, cluster))
