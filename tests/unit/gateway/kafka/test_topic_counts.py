# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from gateway.kafka.topic_counts import BOUNDS, TopicCounts, summed
from tests.support.mock_kafka import MockKafka, config_of, delivered
from tests.support.producing import Worker, until, working


def test_a_batch_counts_with_the_time_of_its_first_record() -> None:
    counts = TopicCounts()
    counts.delivered(10, 100, 7_000)
    report = counts.report()
    assert report["latency"][BOUNDS.index(10)] == 10
    assert (report["records"], report["bytes"], report["waited"]) == (10, 100, 70)


def test_producers_are_added_up_by_topic() -> None:
    one, other = TopicCounts(), TopicCounts()
    one.delivered(1, 10, 0)
    other.delivered(2, 20, 60_000_000)
    other.failed("X")
    found = summed([{"t": one.report()}, {"t": other.report(), "u": one.report()}, {}])
    assert (found["t"]["records"], found["t"]["bytes"]) == (3, 30)
    assert found["t"]["failures"] == {"X": 1}
    assert (found["t"]["latency"][0], found["t"]["latency"][-1]) == (1, 2)
    assert found["u"]["records"] == 1
    assert one.failures == {}, "what is added up stays as it is"


@pytest.mark.kafka
def test_what_a_producer_wrote_is_counted_also_when_it_is_gone(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config_of(cluster))
        assert await delivered(producer) is None
        (found,) = worker.pool.metrics()["topics"].values()
        assert found["records"] == 1
        assert sum(found["latency"]) == 1
        assert found["waited"] > 0
        assert found["bytes"] > 0
        worker.pool.release(producer)
        await until(lambda: not worker.pool._closing)
        (found,) = worker.pool.metrics()["topics"].values()
        assert found["records"] == 1

    working(job)


@pytest.mark.kafka
def test_a_record_past_its_deadline_is_one_of_the_only_topic(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config_of(cluster, deadline=300))
        producer.declare("t")
        cluster.down()
        assert await delivered(producer) is not None
        (topic,) = worker.pool.metrics()["topics"]
        assert topic == "t"
        assert sum(worker.pool.metrics()["topics"]["t"]["failures"].values()) == 1

    working(job)
