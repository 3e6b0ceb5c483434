# SPDX-License-Identifier: Apache-2.0
"""Envelope and bodies on a real broker."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.http.messages import Request, Response
from gateway.plugins.chain import Chain
from gateway.plugins.consumers import Consumers
from gateway.plugins.key_auth.handler import KeyAuth
from gateway.plugins.key_auth.schema import Config as KeyAuthConfig
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

ALL = {"forward_method": True, "forward_headers": True, "forward_uri": True}
HEADERS_ONLY = {"forward_headers": True, "forward_body": False}
NO_BODY = {"body": "", "body_args": {}, "body_base64": True}


@pytest.fixture(scope="module")
def topic(broker: Broker) -> str:
    return broker.topic()


def sent(broker: Broker, topic: str, asked: Request, **config: Any) -> Any:
    """Send one request; return the value of the record it became."""
    before = broker.count(topic)
    (response,) = produce(broker, on_broker(broker, topic, producer_async=False, **config), asked)
    assert (response.status, body_of(response)) == (200, SENT)
    assert dict(response.headers)[b"Content-Type"] == b"application/json; charset=utf-8"
    message = broker.records(topic, before + 1)[-1]
    assert message.key() is None, "no key is null"
    return value_of(message)


def refused(broker: Broker, topic: str, asked: Request) -> str:
    """Send a request that must be refused; return the error's text."""
    before = broker.count(topic)
    (response,) = produce(broker, on_broker(broker, topic, producer_async=False), asked)
    assert response.status == 400
    assert broker.count(topic) == before
    return str(body_of(response)["error"])


def post(content_type: str | None, body: bytes) -> Request:
    return request("/kafka", "POST", body=body, content_type=content_type)


def test_a_get_without_a_body_is_an_empty_body_in_base64(broker: Broker, topic: str) -> None:
    assert sent(broker, topic, request()) == NO_BODY


def test_all_flags_forward_everything_and_nothing_else(broker: Broker, topic: str) -> None:
    value = sent(broker, topic, request("/kafka?x=1"), **ALL)
    assert value.pop("headers")["host"] == "gw:8000"
    assert value == {"method": "GET", "uri": "/kafka?x=1", "uri_args": {"x": "1"}, **NO_BODY}


def test_the_uri_keeps_the_prefix_of_the_route(broker: Broker, topic: str) -> None:
    asked = request("/kafka/7?q=z", "DELETE")
    value = sent(broker, topic, asked, forward_uri=True, forward_body=False)
    assert value == {"uri": "/kafka/7?q=z", "uri_args": {"q": "z"}}


def test_a_plus_sign_is_a_space_in_arguments_only(broker: Broker, topic: str) -> None:
    value = sent(broker, topic, request("/kafka?a=x+y"), forward_uri=True, forward_body=False)
    assert value == {"uri": "/kafka?a=x+y", "uri_args": {"a": "x y"}}


def test_repeated_headers_are_a_list(broker: Broker, topic: str) -> None:
    asked = request(headers=[("X-Foo", "1"), ("X-Foo", "2"), ("X-Bar", "Z")])
    headers = sent(broker, topic, asked, **HEADERS_ONLY)["headers"]
    assert (headers["x-foo"], headers["x-bar"]) == (["1", "2"], "Z")


def test_headers_that_key_auth_added_are_there(broker: Broker, topic: str) -> None:
    ann = {"id": "c1", "username": "ann"}
    key = {"id": "k1", "consumer": "c1", "key": "open sesame", "created_at": 0}

    async def job(worker: Worker) -> Response:
        table: dict[str, list[dict[str, Any]]] = {"consumers": [ann], "keyauth_credentials": [key]}
        context = worker.context(consumers=Consumers(table))
        auth = KeyAuth(KeyAuthConfig(hide_credentials=True), context)
        handler = worker.plugin(on_broker(broker, topic, producer_async=False, **HEADERS_ONLY))
        asked = request(headers=[("apikey", "open sesame"), ("x-consumer-username", "bob")])
        return await answer(Chain([auth, handler]), asked)

    before = broker.count(topic)
    assert working(job, broker.ca_file).status == 200
    headers = value_of(broker.records(topic, before + 1)[-1])["headers"]
    assert headers["x-consumer-username"] == "ann"
    assert "apikey" not in headers


@pytest.mark.parametrize(
    ("content_type", "body", "expected"),
    [
        pytest.param(
            "application/json",
            b'{"a":1,"b":[],"c":null}',
            {"body": '{"a":1,"b":[],"c":null}', "body_args": {"a": 1, "b": [], "c": None}},
            id="13",
        ),
        pytest.param(
            "application/json; charset=utf-8",
            '{"n":"é"}'.encode(),
            {"body": '{"n":"é"}', "body_args": {"n": "é"}},
            id="15",
        ),
        pytest.param("text/plain", b"hello", {"body": "hello", "body_args": {}}, id="23"),
        pytest.param("TEXT/PLAIN", b"hello", {"body": "hello", "body_args": {}}, id="25"),
        pytest.param("application/xml", b"<a/>", {"body": "<a/>", "body_args": {}}, id="27"),
        pytest.param(
            "application/octet-stream",
            b"\x00\x01\x02",
            {"body": "AAEC", "body_args": {}, "body_base64": True},
            id="29",
        ),
        pytest.param(None, b"a=1", {"body": "YT0x", "body_args": {}, "body_base64": True}, id="31"),
        pytest.param(
            "application/json-patch+json", b"[]", {"body": "[]", "body_args": []}, id="33"
        ),
    ],
)
def test_bodies_by_content_type(
    broker: Broker, topic: str, content_type: str | None, body: bytes, expected: Any
) -> None:
    assert sent(broker, topic, post(content_type, body)) == expected


def test_half_of_a_json_text_is_400_and_no_record(broker: Broker, topic: str) -> None:
    assert "JSON" in refused(broker, topic, post("application/json", b'{"a":1'))


def test_an_empty_json_body_is_400_and_no_record(broker: Broker, topic: str) -> None:
    assert "JSON" in refused(broker, topic, post("application/json", b""))


def test_the_parts_of_a_multipart_body_are_arguments(broker: Broker, topic: str) -> None:
    body = (
        b'--B\r\nContent-Disposition: form-data; name="name"\r\n\r\nx\r\n'
        b'--B\r\nContent-Disposition: form-data; name="f"; filename="a.txt"\r\n'
        b"Content-Type: text/plain\r\n\r\nhi\r\n--B--\r\n"
    )
    value = sent(broker, topic, post("multipart/form-data; boundary=B", body))
    assert value == {"body": body.decode(), "body_args": {"name": "x", "f": "hi"}}


def test_a_large_body_is_complete(broker: Broker, topic: str) -> None:
    body = orjson.dumps({"text": "x" * 20_000})
    value = sent(broker, topic, post("application/json", body))
    assert value == {"body": body.decode(), "body_args": {"text": "x" * 20_000}}


def test_numbers_stay_exact(broker: Broker, topic: str) -> None:
    before = broker.count(topic)
    body = (
        b'{"id":1234567890123456,"big":123456789012345678901234567890,"f":0.10000000000000000055}'
    )
    sent(broker, topic, post("application/json", body))
    raw = broker.records(topic, before + 1)[-1].value()
    assert b'"body_args":' + body in raw
