# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from time import time
from typing import Any

import orjson
import pytest

from gateway.errors import ReleaseRefused, RequestRejected
from gateway.http.messages import Request, Response
from gateway.kafka.pool import ProducerPool
from gateway.plugins.base import PluginContext
from gateway.plugins.consumers import Consumers
from gateway.plugins.key_auth import Config
from gateway.plugins.key_auth.handler import KeyAuth
from tests.support.requests import request_of

ANN = {"id": "c-ann", "username": "ann", "custom_id": "007"}
BOB = {"id": "c-bob", "username": "bob\r\nx-evil: 1", "custom_id": None}
GUEST = {"id": "c-guest", "username": "guest", "custom_id": None}
KEYS = [
    {"id": "k-ann", "consumer": "c-ann", "key": "of ann", "created_at": 0, "ttl": None},
    {"id": "k-bob", "consumer": "c-bob", "key": "of bob", "created_at": 0, "ttl": None},
]


def handler(keys: list[dict[str, Any]] | None = None, **config: Any) -> KeyAuth:
    consumers = Consumers([ANN, BOB, GUEST], KEYS if keys is None else keys)
    pool: ProducerPool = None  # type: ignore[assignment]  # no plugin here writes records
    context = PluginContext(pool, lambda _: None, consumers=consumers)
    return KeyAuth(Config(**config), context)


def asked(target: bytes = b"/", *headers: tuple[bytes, bytes], body: bytes = b"") -> Request:
    request = request_of(target, method=b"POST", headers=list(headers))
    request.body = body
    return request


def passes(plugin: KeyAuth, request: Request) -> dict[bytes, bytes]:
    """Return the headers of a request that must pass."""
    assert plugin.access(request) is None
    return dict(request.headers)


def refusal(plugin: KeyAuth, request: Request) -> str:
    response = plugin.access(request)
    assert isinstance(response, Response)
    assert response.status == 401
    assert request.consumer is None
    assert isinstance(response.body, bytes)
    return str(orjson.loads(response.body)["message"])


def test_a_key_in_a_header_lets_its_consumer_pass() -> None:
    request = asked(b"/", (b"apikey", b"of ann"))
    headers = passes(handler(), request)
    assert headers == {
        b"apikey": b"of ann",
        b"x-consumer-id": b"c-ann",
        b"x-consumer-custom-id": b"007",
        b"x-consumer-username": b"ann",
        b"x-credential-identifier": b"k-ann",
    }
    assert (request.consumer, request.credential) == (ANN, KEYS[0])


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        (asked(), "No API key found in request"),
        (asked(b"/", (b"apikey", b"")), "No API key found in request"),
        (asked(b"/?apikey"), "No API key found in request"),
        (asked(b"/", (b"apikey", b"nobody's")), "Unauthorized"),
        (asked(b"/", (b"apikey", b"\xff\xfe")), "Unauthorized"),
        (asked(b"/?apikey=%ff"), "Unauthorized"),
        (asked(b"/", (b"apikey", b"of ann"), (b"apikey", b"of bob")), "Duplicate API key found"),
        (asked(b"/?apikey=of+ann&apikey=of+bob"), "Duplicate API key found"),
    ],
)
def test_other_requests_are_refused_with_the_reason(request_: Request, problem: str) -> None:
    assert refusal(handler(), request_) == problem


def test_a_refusal_says_how_to_prove_oneself() -> None:
    for realm, challenge in ((None, b"Key"), ("orders", b'Key realm="orders"')):
        response = handler(realm=realm).access(asked())
        assert isinstance(response, Response)
        assert dict(response.headers)[b"WWW-Authenticate"] == challenge


def test_headers_that_claim_another_identity_are_dropped() -> None:
    claims = ((b"x-consumer-id", b"c-bob"), (b"x_consumer_username", b"bob"))
    headers = passes(handler(), asked(b"/", (b"apikey", b"of ann"), *claims))
    assert headers[b"x-consumer-id"] == b"c-ann"
    assert b"x_consumer_username" not in headers


def test_a_line_break_in_a_name_makes_no_header() -> None:
    headers = passes(handler(), asked(b"/", (b"apikey", b"of bob")))
    assert headers[b"x-consumer-username"] == b"bob  x-evil: 1"


def test_a_key_in_the_query_counts_where_it_may_be() -> None:
    passes(handler(), asked(b"/?x=1&apikey=of%20ann"))
    assert refusal(handler(key_in_query=False), asked(b"/?apikey=of%20ann")).startswith("No API")
    in_header = asked(b"/", (b"apikey", b"of ann"))
    assert refusal(handler(key_in_header=False), in_header).startswith("No API")


def test_of_several_names_the_first_that_is_there_counts() -> None:
    plugin = handler(key_names=["token", "api_key"])
    assert passes(plugin, asked(b"/", (b"api-key", b"of ann")))[b"x-consumer-id"] == b"c-ann"
    both = asked(b"/?token=of+bob", (b"api_key", b"of ann"))
    assert passes(plugin, both)[b"x-consumer-id"] == b"c-bob"


@pytest.mark.parametrize(
    ("content_type", "body", "left"),
    [
        (
            b"application/x-www-form-urlencoded",
            b"a=%41&apikey=of+ann&b=",
            b"a=%41&b=",
        ),
        (
            b"application/json; charset=utf-8",
            b'{"apikey": "of ann", "n": 12345678901234567890123.50}',
            b'{"n":12345678901234567890123.50}',
        ),
    ],
)
def test_a_key_in_a_body_is_found_and_taken_out(
    content_type: bytes, body: bytes, left: bytes
) -> None:
    plugin = handler(key_in_body=True, hide_credentials=True)
    assert plugin.needs_body
    request = asked(b"/", (b"content-type", content_type), body=body)
    passes(plugin, request)
    assert request.body == left


@pytest.mark.parametrize("body", [b"[1]", b'{"apikey":', b"[" * 100_000, b"", b"\xff"])
def test_bodies_without_fields_hold_no_key(body: bytes) -> None:
    request = asked(b"/", (b"content-type", b"application/json"), body=body)
    assert refusal(handler(key_in_body=True), request) == "No API key found in request"


def test_half_a_surrogate_pair_is_nobodys_key() -> None:
    body = b'{"apikey":"\\ud800"}'
    request = asked(b"/", (b"content-type", b"application/json"), body=body)
    assert refusal(handler(key_in_body=True), request) == "Unauthorized"


@pytest.mark.parametrize("rest", [b'"\\ud800"', b"[" * 600 + b"]" * 600])
def test_json_that_the_key_cannot_be_taken_out_of_is_refused(rest: bytes) -> None:
    body = b'{"apikey":"of ann","x":%b}' % rest
    request = asked(b"/", (b"content-type", b"application/json"), body=body)
    with pytest.raises(RequestRejected, match="key cannot be taken out") as caught:
        handler(key_in_body=True, hide_credentials=True).access(request)
    assert caught.value.status == 400
    assert "of ann" not in caught.value.message


def test_hidden_keys_are_gone_from_headers_query_and_target() -> None:
    plugin = handler(hide_credentials=True)
    request = asked(b"/p?a=%2f&apikey=of+ann&b", (b"apikey", b"of ann"))
    headers = passes(plugin, request)
    assert b"apikey" not in headers
    assert (request.query, request.target) == (b"a=%2f&b", b"/p?a=%2f&b")
    alone = asked(b"/p?apikey=of+ann")
    passes(plugin, alone)
    assert (alone.query, alone.target) == (None, b"/p")


def test_a_key_expires_when_its_time_to_live_is_over() -> None:
    now = int(time())
    old = {**KEYS[0], "created_at": now - 100, "ttl": 60}
    request = asked(b"/", (b"apikey", b"of ann"))
    assert refusal(handler([old]), request) == "Unauthorized"
    passes(handler([{**old, "ttl": 600}]), request)


def test_without_a_key_a_request_passes_as_the_anonymous_consumer() -> None:
    for name in ("guest", "c-guest"):
        request = asked(b"/", (b"x-consumer-username", b"ann"))
        headers = passes(handler(anonymous=name), request)
        assert headers == {
            b"x-consumer-id": b"c-guest",
            b"x-consumer-username": b"guest",
            b"x-anonymous-consumer": b"true",
        }
        assert request.credential is None


def test_with_anonymous_a_consumer_that_is_known_already_stays() -> None:
    request = asked()
    request.consumer, request.credential = ANN, {"id": "of another plugin"}
    passes(handler(anonymous="guest"), request)
    assert request.consumer == ANN


def test_an_anonymous_consumer_that_is_not_there_refuses_the_release() -> None:
    with pytest.raises(ReleaseRefused, match="no consumer 'nobody'"):
        handler(anonymous="nobody")


def test_two_credentials_with_one_key_refuse_the_release_without_naming_it() -> None:
    twice = {**KEYS[1], "key": "of ann"}
    with pytest.raises(ReleaseRefused, match="k-ann and k-bob have the same key") as caught:
        handler([KEYS[0], twice])
    assert "of ann" not in str(caught.value)


def test_preflight_requests_may_pass_without_a_key() -> None:
    request = request_of(b"/", method=b"OPTIONS")
    assert refusal(handler(), request).startswith("No API key")
    assert handler(run_on_preflight=False).access(request) is None
