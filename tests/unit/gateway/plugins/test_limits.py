# SPDX-License-Identifier: Apache-2.0
"""How large, how deep and how encoded a request may be, and that what passes arrives as it was."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from gateway.http.messages import Request, Response
from gateway.plugins.limits import RecordLimits
from gateway.plugins.produce.records import record_size
from tests.support.broker import Broker
from tests.support.producing import (
    Worker,
    answer,
    body_of,
    on_broker,
    produce,
    request,
    working,
)

pytestmark = pytest.mark.kafka

LARGEST = 1024**2
JSON = "application/json"
RAW_BODY = ["return function(m) return m.body end"]
IDENTITY = ["return function(m) return m end"]
MODES: list[dict[str, Any]] = [
    {},
    {"raw_body": True, "records": "ndjson"},
    {"records": "ndjson"},
    {"records": "json_array"},
    {"records": "json_array", "raw_body": True},
    {"forward_headers": True},
    {"message_by_lua_functions": IDENTITY},
    {"message_by_lua_functions": RAW_BODY, "records": "json_array"},
]


@pytest.fixture(scope="module")
def topic(broker: Broker) -> str:
    return broker.topic()


def post(body: bytes, content_type: str | None = JSON, target: str = "/kafka") -> Request:
    return request(target, "POST", body=body, content_type=content_type)


def send(
    broker: Broker, topic: str, *asked: Request, limits: RecordLimits | None = None, **config: Any
) -> list[Response]:
    """Return the answers; where all are refusals, nothing may have been written."""
    before = broker.count(topic)
    config = {"producer_async": False, **config}

    async def job(worker: Worker) -> list[Response]:
        if limits is not None:
            made = worker.context
            worker.context = lambda **more: made(record_limits=limits, **more)  # type: ignore[method-assign]
        handler = worker.plugin(on_broker(broker, topic, **config))
        return [await answer(handler, one) for one in asked]

    found = working(job, broker.ca_file)
    if all(response.status >= 400 for response in found):
        assert broker.count(topic) == before
    return found


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize(
    ("body", "content_type", "config"),
    [
        (b'{"a":"' + b"x" * 600_000 + b'"}', JSON, {}),
        (b"x" * 900_000, None, {}),
        (b'["' + b"x" * 600_000 + b'"]', JSON, {"records": "json_array"}),
        (b'{"a":"' + b"x" * 600_000 + b'"}', JSON, {"records": "ndjson"}),
        (b"\x00" * 200_000, "text/plain", {}),
        (b"x" * LARGEST, "text/plain", {"raw_body": True}),
        (b"a=" + b"x" * 600_000, "application/x-www-form-urlencoded", {}),
        (
            b'{"a":"' + b"x" * 600_000 + b'"}',
            JSON,
            {"message_by_lua_functions": IDENTITY},
        ),
    ],
)
def test_a_record_that_is_too_large_is_413_naming_the_limit(
    broker: Broker,
    topic: str,
    body: bytes,
    content_type: str | None,
    config: dict[str, Any],
    buffered: bool,
) -> None:
    asked = post(body, content_type)
    (response,) = send(broker, topic, asked, producer_async=buffered, **config)
    assert response.status == 413
    assert f"max_record_size allows {LARGEST}" in body_of(response)["error"]


def test_the_record_of_an_array_that_is_too_large_is_named(broker: Broker, topic: str) -> None:
    asked = post(b'[1,"' + b"x" * 2000 + b'"]')
    (response,) = send(broker, topic, asked, records="json_array", max_record_size=2048)
    assert response.status == 413
    assert "record 2 has " in body_of(response)["error"]


@pytest.mark.parametrize("key", ["", "k" * 300])
@pytest.mark.parametrize("headers", [0, 3])
@pytest.mark.parametrize("listed", [False, True])
def test_the_largest_record_that_passes_is_what_a_topic_takes_by_default(
    broker: Broker, topic: str, key: str, headers: int, listed: bool
) -> None:
    pairs = [(f"x-{number}", "v" * 100) for number in range(headers)]
    names = [(name, value.encode()) for name, value in pairs]
    most = LARGEST - record_size(0, key.encode(), names)
    config: dict[str, Any] = {"raw_body": True, "key_query_arg": "k"}
    config |= {"headers": {"include_headers": [name for name, _ in pairs]}}
    config |= {"records": "ndjson" if listed else "none"}
    bodies = [b"1" * (most + more) for more in (0, 1)]
    target = f"/kafka?k={key}"
    asked = [request(target, "POST", pairs, body, "text/plain") for body in bodies]
    fits, larger = send(broker, topic, *asked, **config)
    assert (fits.status, larger.status) == (200, 413)


def test_a_route_may_take_larger_records_as_its_topic_does(broker: Broker) -> None:
    topic = broker.topic(config={"max.message.bytes": "4000000"})
    body = b'{"a":"' + b"x" * 1_000_000 + b'"}'
    (response,) = send(broker, topic, post(body), max_record_size=3_000_000)
    assert response.status == 200


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("depth", [250, 300, 990, 1000, 1001, 1024, 1025, 5000])
def test_one_depth_holds_for_all(
    broker: Broker, topic: str, depth: int, mode: dict[str, Any]
) -> None:
    (response,) = send(broker, topic, post(b"[" * depth + b"]" * depth), **mode)
    if depth <= 1000:
        assert response.status == 200, response.body
    else:
        assert response.status == 400
        assert "nested deeper than 1000" in body_of(response)["error"]


@pytest.mark.parametrize("mode", MODES)
def test_the_depth_is_a_setting(broker: Broker, topic: str, mode: dict[str, Any]) -> None:
    asked = [post(b"[" * depth + b"]" * depth) for depth in (10, 11)]
    limits = RecordLimits(depth=10)
    assert [one.status for one in send(broker, topic, *asked, limits=limits, **mode)] == [200, 400]


@pytest.mark.parametrize("number", ["9" * 310, "-" + "1" * 5000, "1e400", "-2.50E+999", "1e-400"])
@pytest.mark.parametrize("mode", MODES[:-1])
def test_numbers_of_any_size_arrive_as_they_were(
    broker: Broker, topic: str, number: str, mode: dict[str, Any]
) -> None:
    body = f'[{{"n": {number}}}]'.encode()
    before = broker.count(topic)
    (response,) = send(broker, topic, post(body), **mode)
    assert response.status == 200, response.body
    (found,) = broker.records(topic, before + 1)[before:]
    if number == "1e-400" and "message_by_lua_functions" in mode:
        pytest.skip("as a double it is 0, which is what Lua functions see")
    exact = json.loads(found.value(), parse_int=str, parse_float=str)
    kept = exact if mode.get("raw_body") else exact["body_args"]
    assert kept in ([{"n": number}], {"n": number})


def test_keys_are_bytes(broker: Broker) -> None:
    topic = broker.topic()
    asked = [request(f"/kafka?k={key}") for key in ("%ff", "%fe", "%EF%BF%BD", "a+b%2B")]
    assert [one.status for one in send(broker, topic, *asked, key_query_arg="k")] == [200] * 4
    keys = {message.key() for message in broker.records(topic, 4)}
    assert keys == {b"\xff", b"\xfe", "\ufffd".encode(), b"a b+"}


@pytest.mark.parametrize("buffered", [True, False])
@pytest.mark.parametrize(
    ("content_type", "mode"),
    [
        (JSON, {}),
        (JSON, {"forward_uri": True}),
        (JSON, {"records": "ndjson"}),
        (JSON, {"records": "json_array", "raw_body": True}),
        ("text/plain", {}),
        ("application/x-www-form-urlencoded", {}),
        ("multipart/form-data; boundary=b", {}),
    ],
)
def test_an_encoded_body_that_is_to_be_read_is_415_naming_the_encoding(
    broker: Broker, topic: str, content_type: str, mode: dict[str, Any], buffered: bool
) -> None:
    body = gzip.compress(b'[{"a":1}]')
    asked = request("/kafka", "POST", [("Content-Encoding", "gzip")], body, content_type)
    (response,) = send(broker, topic, asked, producer_async=buffered, **mode)
    assert response.status == 415
    assert body_of(response)["message"] == "Unsupported Media Type"
    assert "Content-Encoding: gzip" in body_of(response)["error"]
    assert (b"Accept-Encoding", b"identity") in response.headers


@pytest.mark.parametrize(("content_type", "config"), [(None, {}), (JSON, {"raw_body": True})])
def test_an_encoded_body_that_is_not_read_is_passed_on(
    broker: Broker, topic: str, content_type: str | None, config: dict[str, Any]
) -> None:
    body = gzip.compress(b"{}")
    asked = request("/kafka", "POST", [("Content-Encoding", "gzip")], body, content_type)
    assert send(broker, topic, asked, **config)[0].status == 200


def test_identity_is_no_encoding(broker: Broker, topic: str) -> None:
    asked = request("/kafka", "POST", [("Content-Encoding", "identity")], b"\xff", JSON)
    (response,) = produce(broker, on_broker(broker, topic, producer_async=False), asked)
    assert (response.status, body_of(response)["message"]) == (400, "Bad Request")
