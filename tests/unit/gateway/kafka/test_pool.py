# SPDX-License-Identifier: Apache-2.0
"""Producers of a worker: shared, carried over, flushed when the last user leaves."""

from __future__ import annotations

import time

import pytest

from gateway.kafka.config import ProducerConfig
from tests.support.mock_kafka import MockKafka, config_of, delivered, silence
from tests.support.producing import Worker, until, working

pytestmark = pytest.mark.kafka


def test_equal_configurations_share_a_producer_which_outlives_a_snapshot(
    cluster: MockKafka,
) -> None:
    async def job(worker: Worker) -> None:
        first = worker.pool.get(config_of(cluster))
        assert worker.pool.get(config_of(cluster)) is first
        assert worker.pool.get(config_of(cluster, acks=-1, idempotent=True)) is not first
        # The new snapshot's handlers come before the old ones go.
        worker.pool.get(config_of(cluster))
        worker.pool.release(first)
        worker.pool.release(first)
        assert await delivered(first) is None
        assert worker.pool.get(config_of(cluster)) is first

    working(job)


def test_the_last_user_leaving_flushes_what_is_buffered(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> Worker:
        producer = worker.pool.get(config_of(cluster))
        for _ in range(100):
            producer.send("t", b"x")
        worker.pool.release(producer)
        assert worker.pool.get(config_of(cluster)) is not producer
        await until(lambda: not worker.pool._closing)
        return worker

    metrics = working(job).pool.metrics()
    assert (metrics["records"], metrics["messages"], metrics["bytes"]) == (100, 0, 0)
    assert metrics["failures"] == {}


def test_closing_loses_and_counts_what_cannot_be_sent_in_time(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> Worker:
        producer = worker.pool.get(config_of(cluster))
        cluster.down()
        for _ in range(3):
            producer.send("t", b"x")
        return worker

    started = time.monotonic()
    worker = working(job, close=0.3)
    assert time.monotonic() - started < 10
    assert worker.pool.metrics()["failures"] == {"_DESTROY": 3}


def test_warming_up_takes_its_time_and_not_more() -> None:
    async def job(worker: Worker) -> float:
        with silence() as address:
            worker.pool.get(ProducerConfig((address,))).declare("t")
            started = time.monotonic()
            await worker.pool.warm(0.3)
            return time.monotonic() - started

    assert working(job, close=0.1) < 10  # and not for as long as the broker is silent


def test_a_warm_producer_knows_that_kafka_is_there(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> str:
        worker.pool.get(config_of(cluster)).declare("t")
        await worker.pool.warm(5)
        return str(worker.pool.metrics()["producers"][0]["state"])

    assert working(job) == "up"
