# SPDX-License-Identifier: Apache-2.0
"""A broker refuses a batch for one of its records: exactly that record fails.

Nothing else is lost or doubled, and records with one key keep their order.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from gateway.http.messages import Request
from tests.support.broker import Broker
from tests.support.producing import Worker, answer, body_of, on_broker, request, until, working

pytestmark = pytest.mark.kafka

CALLERS = 64
EACH = 12
EXACT = [(False, 1), (True, 1), (False, -1), (True, -1)]
"""Asynchronous or not; acks."""


def post(body: bytes, key: str | None = None, target: str = "/kafka") -> Request:
    return request(target if key is None else f"{target}?k={key}", "POST", body=body)


def config(broker: Broker, topic: str, buffered: bool, acks: int, **more: Any) -> dict[str, Any]:
    return on_broker(
        broker,
        topic,
        producer_async=buffered,
        producer_request_acks=acks,
        key_query_arg="k",
        raw_body=True,
        **more,
    )


async def together(
    handler: Any, callers: int, good: Callable[[int, int], Request], bad: Callable[[int], Request]
) -> tuple[list[int], list[int]]:
    """Send good records from many callers, and bad ones between; return the statuses of each."""

    async def caller(number: int) -> list[int]:
        return [(await answer(handler, good(number, n))).status for n in range(EACH)]

    async def guilty() -> list[int]:
        statuses = []
        for n in range(EACH):
            statuses.append((await answer(handler, bad(n))).status)
            # Between the others, also where answers do not wait for Kafka.
            await asyncio.sleep(0.001)
        return statuses

    everyone = await asyncio.gather(
        *(caller(number) for number in range(callers)), *(guilty() for _ in range(4))
    )
    flat = [
        [status for statuses in some for status in statuses]
        for some in (everyone[:callers], everyone[callers:])
    ]
    return flat[0], flat[1]


def check_stored(broker: Broker, topic: str, callers: int) -> None:
    """Assert that each caller's records are there, once and in order."""
    found = defaultdict(list)
    for message in broker.records(topic, broker.count(topic)):
        found[message.key()].append(int(message.value().split(b" ")[0]))
    assert found == {b"%d" % number: list(range(EACH)) for number in range(callers)}


def run(
    broker: Broker,
    topic: str,
    settings: dict[str, Any],
    good: Callable[[int, int], Request],
    bad: Callable[[int], Request],
) -> dict[str, int]:
    """Run all callers; check the answers; return the failures that were counted."""

    async def job(worker: Worker) -> dict[str, int]:
        handler = worker.plugin(settings)
        innocent, guilty = await together(handler, CALLERS, good, bad)
        await until(lambda: worker.pool.metrics()["messages"] == 0)
        assert set(innocent) == {200}, worker.pool.metrics()
        assert set(guilty) == {200 if settings["producer_async"] else 502}, worker.pool.metrics()
        assert worker.pool.metrics()["bytes"] == 0
        failures: dict[str, int] = worker.pool.metrics()["failures"]
        return failures

    failures = working(job, broker.ca_file)
    check_stored(broker, topic, CALLERS)
    return failures


@pytest.mark.parametrize(("buffered", "acks"), EXACT)
def test_records_without_a_key_in_a_compacted_topic_fail_alone(
    broker: Broker, buffered: bool, acks: int
) -> None:
    topic = broker.topic(config={"cleanup.policy": "compact"})
    settings = config(broker, topic, buffered, acks)

    def good(number: int, n: int) -> Request:
        return post(b"%d x" % n, str(number))

    failures = run(broker, topic, settings, good, lambda n: post(b"%d bad" % n))
    assert failures == {"INVALID_RECORD": 4 * EACH}


@pytest.mark.parametrize(("buffered", "acks"), EXACT)
def test_records_over_the_topics_limit_fail_alone(
    broker: Broker, buffered: bool, acks: int
) -> None:
    topic = broker.topic(config={"max.message.bytes": "20000"}, partitions=3)
    settings = config(broker, topic, buffered, acks)

    def good(number: int, n: int) -> Request:
        return post(b"%d " % n + b"x" * 5000, str(number))

    failures = run(broker, topic, settings, good, lambda n: post(b"%d " % n + b"x" * 30_000, "bad"))
    assert failures == {"MSG_SIZE_TOO_LARGE": 4 * EACH}


@pytest.mark.parametrize("acks", [1, -1])
def test_records_together_over_the_topics_limit_are_all_written(broker: Broker, acks: int) -> None:
    topic = broker.topic(config={"max.message.bytes": "20000"})
    settings = config(broker, topic, buffered=False, acks=acks)
    bodies = [b"%d " % n + b"x" * 5000 for n in range(60)]

    async def job(worker: Worker) -> set[int]:
        handler = worker.plugin(settings)
        found = await asyncio.gather(*(answer(handler, post(body)) for body in bodies * 2))
        return {one.status for one in found}

    assert working(job, broker.ca_file) == {200}
    stored = [message.value() for message in broker.records(topic, broker.count(topic))]
    assert sorted(stored) == sorted(bodies * 2)


@pytest.mark.parametrize(("buffered", "acks"), EXACT)
def test_of_many_records_in_one_request_exactly_the_guilty_fail(
    broker: Broker, buffered: bool, acks: int
) -> None:
    topic = broker.topic(config={"max.message.bytes": "20000"}, partitions=2)
    settings = config(broker, topic, buffered, acks, records="ndjson")
    guilty = {3, 700, 701, 1500, 1999}
    lines = [b'"%d %b"' % (n, b"x" * (30_000 if n in guilty else 100)) for n in range(2000)]

    async def job(worker: Worker) -> list[Any]:
        handler = worker.plugin(settings)
        asked = [post(b"\n".join(lines), f"k{number}") for number in range(4)]
        found = await asyncio.gather(*(answer(handler, one) for one in asked))
        await until(lambda: worker.pool.metrics()["messages"] == 0)
        assert worker.pool.metrics()["failures"] == {"MSG_SIZE_TOO_LARGE": 4 * len(guilty)}
        return found

    for response in working(job, broker.ca_file):
        results = body_of(response)["records"]
        failed = {place for place, one in enumerate(results) if one["status"] == "failed"}
        assert (response.status, failed) == ((200, set()) if buffered else (207, guilty))
    found = defaultdict(list)
    for message in broker.records(topic, broker.count(topic)):
        found[message.key()].append(int(message.value()[1:].split(b" ")[0]))
    expected = [n for n in range(2000) if n not in guilty]
    assert found == {b"k%d" % number: expected for number in range(4)}


@pytest.mark.parametrize("acks", [1, -1])
def test_confluent_has_the_same_way(broker: Broker, acks: int) -> None:
    topic = broker.topic(config={"cleanup.policy": "compact"})
    name, password = broker.writer
    settings = {
        "topic": topic,
        "bootstrap_servers": [{"host": "127.0.0.1", "port": broker.port}],
        "cluster_api_key": name,
        "cluster_api_secret": password,
        "key_query_arg": "k",
        "producer_config_enabled": True,
        "producer_async": False,
        "producer_request_acks": acks,
    }

    async def job(worker: Worker) -> tuple[list[int], list[int]]:
        handler = worker.confluent(settings)
        return await together(
            handler, 8, lambda number, n: post(b"%d" % n, str(number)), lambda n: post(b"%d" % n)
        )

    innocent, guilty = working(job, broker.ca_file)
    assert (set(innocent), set(guilty)) == ({200}, {502})
    assert broker.count(topic) == 8 * EACH
