# SPDX-License-Identifier: Apache-2.0
"""Records of registered schemas on a real broker.

The registry is a stand-in that answers reads as Confluent's does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from io import BytesIO
from typing import Any, TypeVar

import fastavro
import pytest

from gateway.http.messages import Request, Response
from tests.support.broker import Broker
from tests.support.producing import (
    SENT,
    Worker,
    answer,
    body_of,
    on_broker,
    request,
    working,
)
from tests.support.registry import FakeRegistry, registry

pytestmark = pytest.mark.kafka

T = TypeVar("T")

BODY_ONLY = ["return function(message) return message.body end"]
INVALID = "failed to validate message against schema"
JSON_SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


def record_of(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "record", "name": "Order", "fields": list(fields)}


NULLABLE = record_of({"name": "f", "type": ["null", "string"]})


@pytest.fixture(scope="module")
def topic(broker: Broker) -> str:
    return broker.topic()


def with_registry(
    broker: Broker, job: Callable[[Worker, FakeRegistry], Awaitable[T]], **options: Any
) -> T:
    async def run(worker: Worker) -> T:
        async with registry() as fake:
            return await job(worker, fake)

    return working(run, broker.ca_file, **options)


def configured(
    broker: Broker, topic: str, fake: FakeRegistry, encoding: str = "avro_json", **config: Any
) -> dict[str, Any]:
    block: dict[str, Any] = {"url": fake.url}
    block["value_schema"] = {
        "subject_name": "orders-value",
        "schema_version": "latest",
        "payload_encoding": encoding,
    }
    block |= config.pop("confluent", {})
    config.setdefault("message_by_lua_functions", BODY_ONLY)
    config.setdefault("producer_async", False)
    return on_broker(broker, topic, schema_registry={"confluent": block}, **config)


def json_request(body: bytes, target: str = "/kafka") -> Request:
    return request(target, "POST", body=body, content_type="application/json")


def send(
    broker: Broker,
    topic: str,
    schema: Any,
    body: bytes,
    kind: str = "AVRO",
    **config: Any,
) -> tuple[Response, list[Any]]:
    """Send one body; return the answer and the messages that it became."""
    before = broker.count(topic)

    async def job(worker: Worker, fake: FakeRegistry) -> Response:
        fake.register("orders-value", schema, kind)
        return await answer(
            worker.plugin(configured(broker, topic, fake, **config)), json_request(body)
        )

    response = with_registry(broker, job)
    count = broker.count(topic)
    return response, broker.records(topic, count)[before:] if count > before else []


def avro(message: Any, schema: Any) -> Any:
    """Return a record's Avro data."""
    value = message.value()
    assert value[:5] == b"\0\0\0\0\1"
    stream = BytesIO(value[5:])
    found = fastavro.schemaless_reader(stream, fastavro.parse_schema(schema), None)
    assert not stream.read()
    return found


def accepted(broker: Broker, topic: str, schema: Any, body: bytes) -> Any:
    response, messages = send(broker, topic, schema, body, encoding="simple_json")
    assert (response.status, body_of(response)) == (200, SENT)
    (message,) = messages
    return message


def test_a_body_that_fits_is_sent_as_avro(broker: Broker, topic: str) -> None:
    schema = record_of({"name": "a", "type": "int"}, {"name": "b", "type": "string"})
    response, (message,) = send(broker, topic, schema, b'{"a": 1, "b": "\xc3\xa9"}')
    assert (response.status, body_of(response)) == (200, SENT)
    assert avro(message, schema) == {"a": 1, "b": "é"}


def test_a_body_that_fits_a_json_schema_is_sent_as_it_is(broker: Broker, topic: str) -> None:
    body = b'{"a": 12345678901234567890}'
    response, (message,) = send(broker, topic, JSON_SCHEMA, body, kind="JSON")
    assert response.status == 200
    assert message.value() == b"\0\0\0\0\1" + body


@pytest.mark.parametrize(
    ("schema", "kind"),
    [(record_of({"name": "a", "type": "int"}), "AVRO"), (JSON_SCHEMA, "JSON")],
)
def test_a_body_that_violates_the_schema_is_refused(
    broker: Broker, topic: str, schema: Any, kind: str
) -> None:
    response, messages = send(broker, topic, schema, b'{"a": "x"}', kind=kind)
    assert response.status == 400
    error = body_of(response)["error"]
    assert INVALID in error
    assert "$.a" in error
    assert not messages


def test_a_registry_without_a_value_schema_is_refused(
    broker: Broker, topic: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    response, messages = send(
        broker, topic, NULLABLE, b'{"a": 1}', confluent={"value_schema": None}
    )
    assert response.status == 400
    assert INVALID in body_of(response)["error"]
    assert "value schema is required" in caplog.text + "".join(capsys.readouterr())
    assert not messages


def test_avro_json_wants_the_branch_named(broker: Broker, topic: str) -> None:
    response, messages = send(broker, topic, NULLABLE, b'{"f": "x"}')
    assert response.status == 400
    assert INVALID in body_of(response)["error"]
    assert not messages
    response, (message,) = send(broker, topic, NULLABLE, b'{"f": {"string": "x"}}')
    assert response.status == 200
    assert avro(message, NULLABLE) == {"f": "x"}


def test_simple_json_finds_the_branch(broker: Broker, topic: str) -> None:
    assert avro(accepted(broker, topic, NULLABLE, b'{"f": "x"}'), NULLABLE) == {"f": "x"}


def test_simple_json_takes_a_missing_field_as_null(broker: Broker, topic: str) -> None:
    assert avro(accepted(broker, topic, NULLABLE, b"{}"), NULLABLE) == {"f": None}


def test_simple_json_takes_the_first_branch_that_fits(broker: Broker, topic: str) -> None:
    message = accepted(
        broker, topic, record_of({"name": "n", "type": ["int", "long"]}), b'{"n": 5}'
    )
    # Branch 0, then 5 in zigzag.
    assert message.value()[5:] == b"\x00\x0a"


def test_simple_json_fills_in_defaults(broker: Broker, topic: str) -> None:
    schema = record_of({"name": "f", "type": "string", "default": "d"})
    assert avro(accepted(broker, topic, schema, b"{}"), schema) == {"f": "d"}


def test_a_key_is_serialised_by_the_key_schema(broker: Broker, topic: str) -> None:
    before = broker.count(topic)

    async def job(worker: Worker, fake: FakeRegistry) -> list[int]:
        fake.register("orders-value", NULLABLE)
        fake.register("orders-key", "string")
        key = {"key_schema": {"subject_name": "orders-key"}}
        config = configured(
            broker, topic, fake, confluent=key, key_query_arg="k", encoding="simple_json"
        )
        plugin = worker.plugin(config)
        asked = [json_request(b"{}", target) for target in ("/kafka?k=12", "/kafka")]
        return [(await answer(plugin, one)).status for one in asked]

    assert with_registry(broker, job) == [200, 200]
    keyed, keyless = broker.records(topic, before + 2)[before:]
    assert keyed.key() == b"\0\0\0\0\2\x0412"
    assert keyless.key() is None


@pytest.mark.parametrize("config", [{"producer_async": True}, {"accepted": True}])
def test_a_body_that_violates_the_schema_is_refused_in_every_mode(
    broker: Broker, topic: str, config: dict[str, Any]
) -> None:
    response, messages = send(broker, topic, NULLABLE, b'{"f": 1}', **config)
    assert response.status == 400
    assert not messages


def test_of_many_records_all_are_checked_before_one_is_sent(broker: Broker, topic: str) -> None:
    config: dict[str, Any] = {
        "records": "ndjson",
        "raw_body": True,
        "message_by_lua_functions": None,
    }
    lines = b'{"f": {"string": "x"}}\n{"f": 5}\n'
    response, messages = send(broker, topic, NULLABLE, lines, **config)
    assert response.status == 400
    assert "record 2: $.f" in body_of(response)["error"]
    assert not messages
    response, messages = send(broker, topic, NULLABLE, lines.replace(b"5", b"null"), **config)
    assert response.status == 200
    assert [avro(one, NULLABLE) for one in messages] == [{"f": "x"}, {"f": None}]


def test_without_a_registry_nothing_is_sent_and_it_recovers(broker: Broker, topic: str) -> None:
    before = broker.count(topic)

    async def job(worker: Worker, fake: FakeRegistry) -> list[int]:
        fake.register("orders-value", NULLABLE)
        fake.broken = 503
        handling = {"return_error_message": True}
        config = configured(broker, topic, fake, error_handling=handling, confluent={"ttl": 0})
        plugin = worker.plugin(config)
        down = await answer(plugin, json_request(b'{"f": null}'))
        assert "503" in body_of(down)["error"]
        fake.broken = 0
        while (up := await answer(plugin, json_request(b'{"f": null}'))).status != 200:
            pass
        return [down.status, up.status]

    assert with_registry(broker, job) == [502, 200]
    assert broker.count(topic) == before + 1


def test_a_client_that_went_away_while_the_schema_was_fetched_sends_nothing(
    broker: Broker, topic: str
) -> None:
    before = broker.count(topic)

    async def job(worker: Worker, fake: FakeRegistry) -> None:
        fake.register("orders-value", NULLABLE)
        plugin = worker.plugin(configured(broker, topic, fake))
        waiting = plugin.access(json_request(b'{"f": null}'))
        assert not isinstance(waiting, Response)
        waiting.abandon()
        assert (await answer(plugin, json_request(b'{"f": null}'))).status == 200

    with_registry(broker, job)
    assert broker.count(topic) == before + 1
