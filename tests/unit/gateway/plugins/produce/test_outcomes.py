# SPDX-License-Identifier: Apache-2.0
"""Every record that is not written is in the log, with why and whose it was."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from gateway.plugins.opentelemetry.trace import Trace
from tests.support.mock_kafka import MockKafka, mock_kafka
from tests.support.producing import Worker, answer, request, until, working

pytestmark = pytest.mark.kafka

DENIED = 29
ROUTE = "5e3a4b9c-0000-4000-8000-000000000000"


class Match:
    """What the router attaches to a request."""

    route = {"id": ROUTE, "name": "orders"}


def lines(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    return [
        one.fields  # type: ignore[attr-defined]  # ours
        for one in caplog.records
        if one.getMessage() == event
    ]


def asked(body: bytes = b"x") -> Any:
    made = request("/kafka", "POST", body=body)
    made.match = Match()  # type: ignore[assignment]  # the part that is read
    return made


def on_mock(cluster: MockKafka, **config: Any) -> dict[str, Any]:
    return {"topic": "t", "bootstrap_servers": cluster.servers, **config}


def test_a_failed_record_whose_sender_was_told_leaves_a_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asking = asked()

    async def job(worker: Worker, cluster: MockKafka) -> None:
        handler = worker.plugin(on_mock(cluster, producer_async=False))
        cluster.fail(DENIED)
        assert (await answer(handler, asking)).status == 502

    with mock_kafka() as cluster, caplog.at_level(logging.WARNING):
        cluster.create("t")
        working(lambda worker: job(worker, cluster))
    (line,) = lines(caplog, "record not written")
    assert line["reason"] == "TOPIC_AUTHORIZATION_FAILED"
    assert (line["topic"], line["route"], line["records"]) == ("t", "orders", 1)
    assert line["request_id"] == asking.id.decode()


@pytest.mark.parametrize("config", [{}, {"topics_query_arg": "topics"}])
def test_a_buffered_record_that_is_lost_is_found_by_its_request_and_trace(
    caplog: pytest.LogCaptureFixture, config: dict[str, Any]
) -> None:
    asking = asked()
    asking.trace = Trace(b"3" * 32, b"4" * 16, False)
    asking.trace.root = b"5" * 16

    async def job(worker: Worker, cluster: MockKafka) -> None:
        handler = worker.plugin(on_mock(cluster, producer_async=True, **config))
        cluster.fail(DENIED)
        assert (await answer(handler, asking)).status == 200
        await until(lambda: lines(caplog, "record lost"))

    with mock_kafka() as cluster, caplog.at_level(logging.WARNING):
        cluster.create("t")
        working(lambda worker: job(worker, cluster))
    (line,) = lines(caplog, "record lost")
    assert line["request_id"] == asking.id.decode()
    assert (line["trace_id"], line["span_id"]) == ("3" * 32, "5" * 16)


@pytest.mark.parametrize("split", ["none", "ndjson"])
def test_every_lost_record_is_counted_with_topic_and_route(
    caplog: pytest.LogCaptureFixture, split: str
) -> None:
    async def job(worker: Worker, cluster: MockKafka) -> None:
        handler = worker.plugin(on_mock(cluster, producer_async=True, records=split))
        assert (await answer(handler, asked(b"1"))).status == 200
        await until(lambda: worker.pool.metrics()["messages"] == 0)
        cluster.fail(*[DENIED] * 100)
        lost = [answer(handler, asked(b"1\n2\n3")) for _ in range(100)]
        assert {one.status for one in await asyncio.gather(*lost)} == {200}
        await until(lambda: worker.pool.metrics()["messages"] == 0)

    with mock_kafka() as cluster, caplog.at_level(logging.WARNING):
        cluster.create("t")
        working(lambda worker: job(worker, cluster))
    found = lines(caplog, "record lost")
    assert sum(line["records"] for line in found) == (100 if split == "none" else 300)
    assert len(found) <= 2
    assert {(line["topic"], line["route"]) for line in found} == {("t", "orders")}


def test_accepted_records_that_are_lost_are_each_named_by_their_delivery_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asking = asked()

    async def job(worker: Worker, cluster: MockKafka) -> None:
        handler = worker.plugin(on_mock(cluster, accepted=True))
        cluster.fail(DENIED)
        assert (await answer(handler, asking)).status == 202
        await until(lambda: worker.pool.metrics()["messages"] == 0)

    with mock_kafka() as cluster, caplog.at_level(logging.WARNING):
        cluster.create("t")
        working(lambda worker: job(worker, cluster))
    (line,) = lines(caplog, "accepted record lost")
    assert (line["delivery_id"], line["topic"]) == (asking.id.decode(), "t")
    assert [one["records"] for one in lines(caplog, "record lost")] == [1]
