# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from gateway.kafka.pool import ProducerPool
from gateway.plugins.logging.sinks import LogSinks
from tests.support.broker import Broker
from tests.support.logging import until
from tests.support.policies import PolicyGateway, policy_gateway
from tests.support.ports import free_ports
from tests.support.producing import on_broker
from tests.support.registry import registry

pytestmark = pytest.mark.kafka


class Logged:
    """A gateway whose requests are logged to Kafka, and what was counted."""

    def __init__(self, gateway: PolicyGateway, sinks: LogSinks) -> None:
        self.gateway = gateway
        self._sinks = sinks

    @property
    def sent(self) -> int:
        found: int = self._sinks.counts.report()["sent"].get("kafka-log", 0)
        return found

    @property
    def dropped(self) -> dict[str, int]:
        found: dict[str, int] = self._sinks.counts.report()["dropped"].get("kafka-log", {})
        return found


@asynccontextmanager
async def logged(
    config: dict[str, Any], *others: tuple[str, dict[str, Any]], ca: str | None = None
) -> AsyncIterator[Logged]:
    """Serve a route that is logged; ``others`` are the plugins beside."""
    sinks, pool = LogSinks(), ProducerPool(asyncio.get_running_loop())
    plugins = (("kafka-log", config), *others)
    try:
        async with policy_gateway(*plugins, logs=sinks, producers=pool, trusted_ca=ca) as gateway:
            yield Logged(gateway, sinks)
    finally:
        await sinks.close(1)
        await pool.close(1)


async def values(broker: Broker, topic: str, count: int = 1) -> list[Any]:
    """Return the entries of a topic, read beside the loop."""
    found = await asyncio.to_thread(broker.records, topic, count)
    return [(record.key(), orjson.loads(record.value())) for record in found]


async def test_each_request_is_a_record(broker: Broker) -> None:
    topic = broker.topic()
    fields = {"header": 'return kong.request.get_header("h1")', "foo[1].bar[2].woo": "return 456"}
    config = on_broker(broker, topic, key_query_arg="k", custom_fields_by_lua=fields)
    async with logged(config, ca=broker.ca_file) as it:
        body = b'{"a": 1}'
        await it.gateway.ask("/a?k=ab", "h1: v", method="POST", body=body)
        await it.gateway.ask("/b")
        await until(lambda: it.sent == 2)
        (key, entry), (no_key, _) = await values(broker, topic, 2)
    assert (key, no_key) == (b"ab", None)
    assert (entry["header"], entry["foo"]) == ("v", [{"bar": [None, {"woo": 456}]}])
    assert (entry["request"]["uri"], entry["response"]["status"]) == ("/a?k=ab", 200)
    assert not {"body", "body_args", "body_base64"} & entry.keys() & entry["request"].keys()


async def test_the_wait_for_a_records_report_is_in_the_latencies(broker: Broker) -> None:
    topic, logs = broker.topic(), broker.topic()
    produce = ("kafka-upstream", on_broker(broker, topic, producer_async=False))
    async with logged(on_broker(broker, logs), produce, ca=broker.ca_file) as it:
        assert (await it.gateway.ask("/a")).status == 200
        ((_, entry),) = await values(broker, logs)
    assert (entry["source"], entry["upstream_status"], entry["upstream_uri"]) == ("kong", "", "")
    assert "tries" not in entry
    latencies = entry["latencies"]
    assert latencies["proxy"] >= 0
    assert latencies["kong"] + latencies["proxy"] == latencies["request"]


async def test_a_kafka_that_is_away_costs_requests_nothing_and_losses_are_counted() -> None:
    (port,) = free_ports(1)
    servers = [{"host": "127.0.0.1", "port": port}]
    config = {"topic": "t", "bootstrap_servers": servers, "timeout": 1000}
    config["producer_async_buffering_limits_messages_in_memory"] = 2
    async with logged(config) as it:
        for _ in range(5):
            assert (await it.gateway.ask("/")).status == 200
        assert it.dropped == {"buffer_full": 3}
        await until(lambda: it.dropped == {"buffer_full": 3, "not_delivered": 2})
        assert it.sent == 0


@pytest.mark.parametrize(
    "config",
    [
        {"topic": "t"},
        {
            "topic": "t",
            "bootstrap_servers": [{"host": "127.0.0.1", "port": 1}],
            "security": {"certificate_id": "6d3f1f0e-0000-4000-8000-000000000001"},
        },
    ],
)
async def test_without_a_producer_entries_are_dropped_and_requests_served(
    config: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    async with logged(config) as it:
        assert (await it.gateway.ask("/")).status == 200
        await until(lambda: it.dropped == {"no_producer": 1})
    assert "no producer" in caplog.messages


async def test_entries_are_serialised_by_schemas(broker: Broker) -> None:
    topic = broker.topic()
    schema = {"type": "object", "properties": {"tag": {"type": "integer"}}, "required": ["tag"]}
    async with registry() as fake:
        number = fake.register("logs", schema, "JSON")
        confluent = {"url": fake.url, "value_schema": {"subject_name": "logs"}}
        fields = {"tag": "return tonumber(kong.request.get_query_arg('tag'))"}
        config = on_broker(
            broker,
            topic,
            schema_registry={"confluent": confluent},
            custom_fields_by_lua=fields,
            key_query_arg="k",
        )
        async with logged(config, ca=broker.ca_file) as it:
            await it.gateway.ask("/?tag=7&k=a")
            await it.gateway.ask("/?k=b")
            await until(lambda: it.sent == 1 and it.dropped == {"schema": 1})
            (record,) = await asyncio.to_thread(broker.records, topic, 1)
    value = record.value()
    assert (value[:5], record.key()) == (b"\0" + number.to_bytes(4, "big"), b"a")
    assert orjson.loads(value[5:])["tag"] == 7


async def test_a_registry_that_is_away_is_asked_again(broker: Broker) -> None:
    topic = broker.topic()
    async with registry() as fake:
        fake.register("logs", {"type": "object"}, "JSON")
        fake.broken = 503
        confluent = {"url": fake.url, "value_schema": {"subject_name": "logs"}}
        config = on_broker(broker, topic, schema_registry={"confluent": confluent})
        async with logged(config, ca=broker.ca_file) as it:
            await it.gateway.ask("/")
            await until(lambda: fake.asked)
            fake.broken = 0
            await until(lambda: it.sent == 1)
