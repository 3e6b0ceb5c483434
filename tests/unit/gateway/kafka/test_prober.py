# SPDX-License-Identifier: Apache-2.0
"""Look-ups of one cluster that does not answer delay none of another."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack

import pytest

from tests.support.broker import Broker
from tests.support.producing import Worker, answer, on_broker, request, working

pytestmark = pytest.mark.kafka

SILENT = 8
WITHIN = 5
"""Seconds for which the silent clusters are asked."""


def test_records_find_their_topic_while_other_clusters_are_silent(broker: Broker) -> None:
    topic = broker.topic()

    async def job(worker: Worker) -> tuple[set[int], bool]:
        for port in ports:
            worker.plugin(
                {"topic": "t", "bootstrap_servers": [{"host": "127.0.0.1", "port": port}]}
            )
        asking = asyncio.create_task(worker.pool.warm(WITHIN))
        # The look-ups are under way when a task that begins later runs.
        await asyncio.sleep(0)
        handler = worker.plugin(on_broker(broker, topic, producer_async=False, key_header="key"))
        # Several records with one key go on a connection that has to find the topic first.
        asked = [request(method="POST", headers=[("key", "one")], body=b"x") for _ in range(5)]
        statuses = {
            reply.status for reply in await asyncio.gather(*(answer(handler, one) for one in asked))
        }
        still = not asking.done()
        await asking
        return statuses, still

    with ExitStack() as kept:
        silent = [kept.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(SILENT)]
        ports = [one.getsockname()[1] for one in silent]
        assert working(job, broker.ca_file) == ({200}, True)
