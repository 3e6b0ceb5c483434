# SPDX-License-Identifier: Apache-2.0
"""Keys, topics, record headers and Lua on a real broker."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from gateway.http.messages import Request, Response
from gateway.kafka.config import ProducerConfig
from gateway.kafka.outbox import Outbox
from tests.support.broker import Broker
from tests.support.producing import (
    SENT,
    Worker,
    answer,
    body_of,
    on_broker,
    produce,
    request,
    value_of,
    working,
)

pytestmark = pytest.mark.kafka

NOT_ALLOWED = {
    "message": "Bad Gateway",
    "error": "one or more target topics are not in the allowed topics list",
}
TRACED = ["x-request-id", "x-tenant-id", "x-correlation-id"]


@pytest.fixture(scope="module")
def topic(broker: Broker) -> str:
    return broker.topic()


def record(broker: Broker, topic: str, asked: Request, **config: Any) -> Any:
    """Send one request; return the message it became."""
    before = broker.count(topic)
    (response,) = produce(broker, on_broker(broker, topic, producer_async=False, **config), asked)
    assert (response.status, body_of(response)) == (200, SENT)
    return broker.records(topic, before + 1)[-1]


def headers(*pairs: tuple[str, str]) -> Request:
    return request(headers=pairs)


def test_without_the_key_argument_the_key_is_null(broker: Broker, topic: str) -> None:
    assert record(broker, topic, request(), key_query_arg="k").key() is None


@pytest.mark.parametrize("target", ["/kafka?k", "/kafka?k="])
def test_a_key_argument_without_a_value_is_no_key(broker: Broker, topic: str, target: str) -> None:
    assert record(broker, topic, request(target), key_query_arg="k").key() is None


def test_the_first_of_repeated_key_arguments_counts(broker: Broker, topic: str) -> None:
    assert record(broker, topic, request("/kafka?k=a%2Fb&k=c"), key_query_arg="k").key() == b"a/b"


def test_a_header_can_hold_the_key(broker: Broker, topic: str) -> None:
    asked = headers(("X-Key", "h"))
    assert record(broker, topic, asked, key_header="X-Key").key() == b"h"


def test_records_of_one_key_share_a_partition_in_order(broker: Broker) -> None:
    topic = broker.topic(partitions=4)
    config = on_broker(
        broker, topic, producer_async=False, key_query_arg="k", forward_uri=True, forward_body=False
    )
    produce(broker, config, *(request(f"/kafka?k=a&n={number}") for number in range(5)))
    found = broker.records(topic, 5)
    assert len({message.partition() for message in found}) == 1
    assert [value_of(one)["uri_args"]["n"] for one in found] == ["0", "1", "2", "3", "4"]
    # CRC-32 of the key modulo partitions, where Kong's library puts it too.
    assert found[0].partition() == 0xE8B7BE43 % 4


def test_murmur2_puts_a_key_where_java_does(broker: Broker) -> None:
    topic = broker.topic(partitions=4)
    asked = request("/kafka?k=21")
    found = record(broker, topic, asked, key_query_arg="k", partitioner="murmur2_random")
    # Kafka's own test data: murmur2("21") is -973932308.
    assert found.partition() == (-973932308 & 0x7FFFFFFF) % 4


def test_one_topic_that_is_not_allowed_stops_them_all(broker: Broker, topic: str) -> None:
    other = broker.topic()
    config = on_broker(
        broker, topic, producer_async=False, topics_query_arg="topic-list", allowed_topics=[other]
    )
    before = broker.count(topic)
    asked = request(f"/kafka?topic-list={topic},{other},topic3")
    (response,) = produce(broker, config, asked)
    assert (response.status, body_of(response)) == (400, NOT_ALLOWED)
    assert (broker.count(topic), broker.count(other)) == (before, 0)


def test_the_default_topic_is_always_allowed(broker: Broker, topic: str) -> None:
    asked = request(f"/kafka?topic-list={topic}")
    record(broker, topic, asked, topics_query_arg="topic-list", allowed_topics=["x"])


def test_several_topics_get_a_copy_each_and_blanks_are_dropped(broker: Broker, topic: str) -> None:
    other = broker.topic()
    asked = request(f"/kafka?t=%20{topic}%20,,{other},{other}")
    record(broker, topic, asked, topics_query_arg="t", allowed_topics=[other])
    assert broker.count(other) == 1


def test_an_empty_topics_argument_means_the_default(broker: Broker, topic: str) -> None:
    record(broker, topic, request("/kafka?t=%20,"), topics_query_arg="t")


def test_listed_headers_become_record_headers_under_their_names(broker: Broker, topic: str) -> None:
    asked = headers(("x-request-id", "r1"), ("x-tenant-id", "acme"), ("x-other", "z"))
    mapped = {"x-request-id": "trace-id", "x-tenant-id": "tenant"}
    wanted = {"include_headers": TRACED, "name_mappings": mapped}
    found = record(broker, topic, asked, headers=wanted)
    assert found.headers() == [("trace-id", b"r1"), ("tenant", b"acme")]


def test_repeated_headers_become_repeated_record_headers(broker: Broker, topic: str) -> None:
    asked = headers(("x-a", "1"), ("x-a", "2"))
    found = record(broker, topic, asked, headers={"include_headers": ["x-a"]})
    assert found.headers() == [("x-a", b"1"), ("x-a", b"2")]


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        pytest.param("concatenate_by_comma", b"1,2", id="51"),
        pytest.param("take_first", b"1", id="take_first"),
    ],
)
def test_repeated_headers_can_become_one(
    broker: Broker, topic: str, behaviour: str, expected: bytes
) -> None:
    wanted = {"include_headers": ["x-a"], "repeated_headers_behavior": behaviour}
    found = record(broker, topic, headers(("x-a", "1"), ("x-a", "2")), headers=wanted)
    assert found.headers() == [("x-a", expected)]


def test_the_switch_turns_record_headers_off(broker: Broker, topic: str) -> None:
    wanted = {"include_headers": ["x-a"], "forward_http_headers_as_record_headers": False}
    assert not record(broker, topic, headers(("x-a", "1")), headers=wanted).headers()


def test_names_of_headers_match_in_any_case(broker: Broker, topic: str) -> None:
    wanted = {"include_headers": ["X-Request-Id"]}
    found = record(broker, topic, headers(("X-Request-ID", "r1")), headers=wanted)
    assert found.headers() == [("x-request-id", b"r1")]


def test_everything_but_the_excluded_can_be_taken(broker: Broker, topic: str) -> None:
    wanted = {"forward_all_by_default": True, "exclude_headers": ["Host"], "include_headers": ["q"]}
    found = record(broker, topic, headers(("x-a", "1")), headers=wanted)
    assert found.headers() == [("x-a", b"1")]


def test_key_and_record_headers_go_together(broker: Broker, topic: str) -> None:
    asked = request("/kafka?k=a", headers=[("x-a", "1")])
    wanted = {"include_headers": ["x-a"]}
    found = record(broker, topic, asked, headers=wanted, key_query_arg="k")
    assert (found.key(), found.headers()) == (b"a", [("x-a", b"1")])


def test_an_identity_function_changes_nothing(broker: Broker, topic: str) -> None:
    flags = {"forward_method": True, "forward_headers": True, "forward_uri": True}
    asked = request("/kafka?x=1")
    changed = record(
        broker, topic, asked, message_by_lua_functions=["return function(m) return m end"], **flags
    )
    assert value_of(changed) == value_of(record(broker, topic, asked, **flags))


def test_without_a_consumer_the_field_is_not_there(broker: Broker, topic: str) -> None:
    chunk = (
        "return function(m) local c = kong.client.get_consumer()"
        " m.consumer = c and c.username m.v = 1 return m end"
    )
    value = value_of(record(broker, topic, request(), message_by_lua_functions=[chunk]))
    assert value["v"] == 1
    assert "consumer" not in value


def test_the_consumer_is_known_to_lua(broker: Broker, topic: str) -> None:
    chunk = "return function(m) m.consumer = kong.client.get_consumer().username return m end"
    asked = request()
    asked.consumer = {"id": "1", "username": "ann"}
    value = value_of(record(broker, topic, asked, message_by_lua_functions=[chunk]))
    assert value["consumer"] == "ann"


def test_functions_run_in_order(broker: Broker, topic: str) -> None:
    chunks = [
        "return function(m) m.v = 1 return m end",
        "return function(m) m.w = m.v + 1 return m end",
    ]
    value = value_of(record(broker, topic, request(), message_by_lua_functions=chunks))
    assert (value["v"], value["w"]) == (1, 2)


def test_a_string_from_lua_is_sent_as_it_is(broker: Broker, topic: str) -> None:
    asked = request("/kafka", "POST", body=b'{"raw": 1}', content_type="application/json")
    chunks = ["return function(m) return m.body end"]
    found = record(broker, topic, asked, message_by_lua_functions=chunks)
    assert found.value() == b'{"raw": 1}'


def test_a_function_that_raises_is_500_and_no_record(broker: Broker, topic: str) -> None:
    before = broker.count(topic)
    chunks = ["return function(m) error('secret detail') end"]
    config = on_broker(broker, topic, producer_async=False, message_by_lua_functions=chunks)
    (response,) = produce(broker, config, request())
    assert response.status == 500
    assert body_of(response) == {"message": "An unexpected error occurred"}
    assert broker.count(topic) == before


def test_a_chunk_that_is_not_lua_is_refused_with_the_configuration(
    broker: Broker, topic: str
) -> None:
    config = on_broker(broker, topic, message_by_lua_functions=["return functio(m) end"])

    async def job(worker: Worker) -> None:
        worker.plugin(config)

    with pytest.raises(ValidationError, match=r"function 1: .*expected near"):
        working(job, broker.ca_file)


def test_a_raw_body_is_the_value_byte_by_byte(broker: Broker, topic: str) -> None:
    asked = request("/kafka", "POST", body=b"\xff\x00raw", content_type="application/json")
    assert record(broker, topic, asked, raw_body=True).value() == b"\xff\x00raw"


def test_lines_of_json_become_records_with_a_result_each(broker: Broker) -> None:
    topic = broker.topic()
    asked = request("/kafka", "POST", body=b'{"a":1}\n\n[2.50]\r\n"x"\n')
    config = on_broker(broker, topic, producer_async=False, records="ndjson", raw_body=True)
    (response,) = produce(broker, config, asked)
    assert response.status == 200
    assert body_of(response)["records"] == [{"status": "sent"}] * 3
    assert [one.value() for one in broker.records(topic, 3)] == [b'{"a":1}', b"[2.50]", b'"x"']


def test_elements_of_an_array_become_envelopes(broker: Broker) -> None:
    topic = broker.topic()
    asked = request("/kafka", "POST", body=b' [ {"a": 1.10} , 12345678901234567890123 ] ')
    config = on_broker(broker, topic, producer_async=False, records="json_array")
    (response,) = produce(broker, config, asked)
    assert response.status == 200
    values = [one.value() for one in broker.records(topic, 2)]
    assert values == [
        b'{"body":"{\\"a\\": 1.10}","body_args":{"a": 1.10}}',
        b'{"body":"12345678901234567890123","body_args":12345678901234567890123}',
    ]


@pytest.mark.parametrize(
    ("kind", "body", "problem"),
    [
        ("ndjson", b'{"a":1}\n{"b"', "line 2"),
        ("ndjson", b"\n\n", "no records"),
        ("json_array", b'{"a":1}', "array"),
        ("json_array", b"[1,", "JSON"),
        ("json_array", b"[]", "no records"),
    ],
)
def test_one_wrong_record_refuses_the_whole_request(
    broker: Broker, topic: str, kind: str, body: bytes, problem: str
) -> None:
    before = broker.count(topic)
    config = on_broker(broker, topic, producer_async=False, records=kind)
    (response,) = produce(broker, config, request("/kafka", "POST", body=body))
    assert response.status == 400
    assert problem in body_of(response)["error"]
    assert broker.count(topic) == before


def test_accepted_answers_202_with_a_delivery_id(broker: Broker, topic: str) -> None:
    before = broker.count(topic)
    asked = request()
    config = on_broker(broker, topic, accepted=True)
    (response,) = produce(broker, config, asked)
    assert response.status == 202
    assert body_of(response)["delivery_id"] == asked.id.decode()
    assert len(broker.records(topic, before + 1)) == before + 1


def test_the_records_of_one_request_share_key_and_headers_and_no_value(broker: Broker) -> None:
    topic = broker.topic()
    asked = request("/kafka?k=a", "POST", [("x-a", "1"), ("x-a", "2")], b"1\n2\n\n3\n")
    wanted = {"include_headers": ["x-a"]}
    config = on_broker(
        broker, topic, records="ndjson", raw_body=True, headers=wanted, key_query_arg="k"
    )
    (response,) = produce(broker, config, asked)
    assert response.status == 200
    found = broker.records(topic, 3)
    assert [one.value() for one in found] == [b"1", b"2", b"3"]
    for one in found:
        assert (one.key(), one.headers()) == (b"a", [("x-a", b"1"), ("x-a", b"2")])


def test_records_go_into_the_requests_outbox_when_it_has_one(broker: Broker) -> None:
    topic = broker.topic()

    async def job(worker: Worker) -> tuple[Response, Outbox]:
        handler = worker.plugin(on_broker(broker, topic, forward_body=True, raw_body=True))
        asked = request(method="POST", body=b"value")
        asked.outbox = Outbox(ProducerConfig((f"127.0.0.1:{broker.port}",)))
        return await answer(handler, asked), asked.outbox

    response, outbox = working(job, broker.ca_file)
    assert (response.status, body_of(response)) == (200, SENT)
    assert [(one.topic, one.value) for one in outbox.records] == [(topic, b"value")]
    assert broker.count(topic) == 0


def test_an_outbox_of_other_brokers_is_a_500(broker: Broker) -> None:
    async def job(worker: Worker) -> Response:
        asked = request(method="POST", body=b"value")
        asked.outbox = Outbox(ProducerConfig(("127.0.0.1:1",)))
        return await answer(worker.plugin(on_broker(broker, broker.topic())), asked)

    assert working(job, broker.ca_file).status == 500
