# SPDX-License-Identifier: Apache-2.0
"""Quotas of records and bytes before Kafka: a mock cluster takes what passes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.http.clock import Clock
from gateway.http.heads import HeadWriter
from gateway.http.messages import Request, Response
from gateway.plugins.chain import Chain
from gateway.plugins.kafka_quota import handler as module
from gateway.plugins.kafka_quota.handler import KafkaQuota
from gateway.plugins.kafka_quota.schema import Config
from tests.support.broker import Broker
from tests.support.producing import Worker, answer, on_broker, request, working
from tests.support.valkey import Valkey, running_valkey

pytestmark = pytest.mark.kafka
NOON = 4_000_000_000.0 - 4_000_000_000.0 % 86400 + 43200


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "time", lambda: NOON)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with running_valkey(tmp_path_factory.mktemp("redis")) as running:
        yield running


def asked(records: int = 1, value: str = "x") -> Request:
    body = "\n".join(orjson.dumps({"v": value}).decode() for _ in range(records)).encode()
    return request(method="POST", body=body, content_type="application/x-ndjson")


def told(asked: Request, response: Response) -> tuple[int, dict[str, str]]:
    head = HeadWriter(Clock(), ()).head(asked, response, 0, True).decode()
    pairs = (line.partition(": ")[::2] for line in head.split("\r\n"))
    names = ("X-Kafka-Quota", "Retry-After")
    return response.status, {name: value for name, value in pairs if name.startswith(names)}


def outcomes(
    broker: Broker, topic: str, quota: dict[str, Any], *asked: Request, **config: Any
) -> list[tuple[int, dict[str, str]]]:
    """Return what each request gets behind the quota, one after the other."""

    async def job(worker: Worker) -> list[tuple[int, dict[str, str]]]:
        context = worker.context()
        plugin = KafkaQuota(Config.model_validate(quota), context)
        produce = worker.plugin(on_broker(broker, topic, raw_body=True, **config))
        chain = Chain([plugin, produce])
        try:
            return [told(one, await answer(chain, one)) for one in asked]
        finally:
            plugin.close()
            await context.redis.close()

    return working(job, broker.ca_file)


def statuses(found: list[tuple[int, dict[str, str]]]) -> list[int]:
    return [status for status, _ in found]


def test_a_request_of_many_records_counts_them_all(broker: Broker) -> None:
    topic = broker.topic()
    quota = {"records": {"minute": 10, "hour": 100}}
    found = outcomes(broker, topic, quota, asked(6), asked(5), asked(4), asked(1), records="ndjson")
    assert statuses(found) == [200, 429, 200, 429]
    assert found[0][1] == {
        "X-Kafka-Quota-Limit-Records-Minute": "10",
        "X-Kafka-Quota-Remaining-Records-Minute": "4",
        "X-Kafka-Quota-Limit-Records-Hour": "100",
        "X-Kafka-Quota-Remaining-Records-Hour": "94",
    }
    assert found[1][1]["Retry-After"] == "60"
    assert found[1][1]["X-Kafka-Quota-Remaining-Records-Minute"] == "4"


def test_bytes_are_counted_too(broker: Broker) -> None:
    topic = broker.topic()
    one, large = asked(1, "x" * 92), asked(1, "x" * 993)
    assert len(one.body) == 100
    found = outcomes(broker, topic, {"bytes": {"day": 250}}, one, asked(1, "x" * 92), one, large)
    assert statuses(found) == [200, 200, 429, 413]


def test_callers_are_counted_apart_and_headers_may_be_hidden(broker: Broker) -> None:
    topic = broker.topic()
    ann, bob = asked(), asked()
    ann.consumer, bob.consumer = {"id": "ann"}, {"id": "bob"}
    quota = {"records": {"minute": 1}, "hide_client_headers": True}
    assert outcomes(broker, topic, quota, ann, bob, ann) == [(200, {}), (200, {}), (429, {})]


def test_what_never_could_pass_is_a_413_and_counts_nothing(broker: Broker) -> None:
    quota = {"records": {"minute": 5}}
    found = outcomes(broker, broker.topic(), quota, asked(6), asked(5), records="ndjson")
    assert statuses(found) == [413, 200]


def test_quotas_in_redis_hold_and_without_it_fault_tolerant_decides(
    broker: Broker, server: Valkey, tmp_path: Path
) -> None:
    topic = broker.topic()
    redis = {"host": "127.0.0.1", "port": server.port, "timeout": 500}
    quota = {"records": {"minute": 3}, "policy": "redis", "redis": redis}
    assert statuses(outcomes(broker, topic, quota, *(asked() for _ in range(4)))) == [200] * 3 + [
        429
    ]
    # Another node knows.
    assert statuses(outcomes(broker, topic, quota, asked())) == [429]
    for key in server.ask("KEYS", "*"):
        assert 0 < server.ask("TTL", key) <= 60
    nowhere = {**quota, "redis": {**redis, "port": 1}}
    assert statuses(outcomes(broker, topic, nowhere, asked())) == [200]
    strict = {**nowhere, "fault_tolerant": False}
    assert statuses(outcomes(broker, topic, strict, asked())) == [500]


def test_at_once_no_more_pass_than_the_quota(broker: Broker) -> None:
    topic = broker.topic()

    async def job(worker: Worker) -> list[int]:
        quota = Config.model_validate({"records": {"minute": 20}})
        plugin = KafkaQuota(quota, worker.context())
        chain = Chain([plugin, worker.plugin(on_broker(broker, topic))])
        found = await asyncio.gather(*(answer(chain, asked()) for _ in range(50)))
        return [response.status for response in found]

    assert sorted(working(job, broker.ca_file)) == [200] * 20 + [429] * 30


@pytest.mark.parametrize(
    ("config", "passed"),
    [
        ({"producer_async": False}, 200),
        ({"producer_async": True}, 200),
        ({"producer_async": False, "accepted": True}, 202),
        ({"producer_async": False, "key_header": "x-key"}, 200),
        ({"records": "ndjson", "producer_async": False}, 200),
    ],
)
@pytest.mark.parametrize("policy", ["local", "redis"])
def test_each_way_of_writing_is_counted(
    broker: Broker, server: Valkey, config: dict[str, Any], passed: int, policy: str
) -> None:
    quota = {"records": {"minute": 2}, "bytes": {"minute": 10**6}, "policy": policy}
    quota["redis"] = {"host": "127.0.0.1", "port": server.port}
    found = outcomes(broker, broker.topic(), quota, asked(), asked(), asked(), **config)
    assert statuses(found) == [passed, passed, 429]
    left = [headers["X-Kafka-Quota-Remaining-Records-Minute"] for _, headers in found]
    assert left == ["1", "0", "0"]
    assert found[2][1]["Retry-After"] == "60"
