# SPDX-License-Identifier: Apache-2.0
"""Records of one turn of the event loop go to librdkafka together."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.mock_kafka import MockKafka, config_of, delivered
from tests.support.producing import Worker, until, working

pytestmark = pytest.mark.kafka


def test_what_comes_in_one_turn_is_in_flight_together(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config_of(cluster))
        assert await delivered(producer) is None
        cluster.round_trip(200)
        for _ in range(7):
            producer.send("t", b"x")
        assert producer.first_lane.in_flight == 0
        await asyncio.sleep(0)
        assert (producer.first_lane.in_flight, producer.first_lane.staged) == (7, {})
        await until(lambda: producer.messages == 0)
        assert producer.first_lane.in_flight == 0

    working(job)


def test_further_records_wait_for_those_in_flight(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> None:
        producer = worker.pool.get(config_of(cluster, acks=-1, idempotent=True))
        assert await delivered(producer) is None
        cluster.round_trip(200)
        producer.send("t", b"first")
        await asyncio.sleep(0)
        producer.send("t", b"second")
        assert producer.first_lane.in_flight == 1
        assert list(producer.first_lane.staged) == ["t"]
        await until(lambda: producer.records == 3)

    working(job)
