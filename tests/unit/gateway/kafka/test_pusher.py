# SPDX-License-Identifier: Apache-2.0
"""What is queued leaves at once when it is pushed, however long the linger time is."""

from __future__ import annotations

import pytest

from tests.support.mock_kafka import MockKafka, config_of, delivered
from tests.support.producing import Worker, until, working


@pytest.mark.kafka
def test_a_push_does_not_wait_for_the_linger_time(cluster: MockKafka) -> None:
    async def job(worker: Worker) -> None:
        extra = (("linger.ms", "600000"),)
        producer = worker.pool.get(config_of(cluster, deadline=700_000, extra=extra))
        assert await delivered(producer) is None
        await until(lambda: not producer.client.pushing)

    working(job)
