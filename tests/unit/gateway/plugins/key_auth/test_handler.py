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
from gateway.plugins.key_auth.handler import KeyAuth
from gateway.plugins.key_auth.schema import Config
from tests.support.requests import request_of

ANN = {"id": "c-ann", "username": "ann", "custom_id": "007"}
BOB = {"id": "c-bob", "username": "bob\r\nx-evil: 1", "custom_id": None}
GUEST = {"id": "c-guest", "username": "guest", "custom_id": None}
KEYS = [
    {"id": "k-ann", "consumer": "c-ann", "key": "of ann", "created_at": 0, "ttl": None},
    {"id": "k-bob", "consumer": "c-bob", "key": "of bob", "created_at": 0, "ttl": None},
]


def handler(keys: list[dict[str, Any]] | None = None, **config: Any) -> KeyAuth:
    keys = KEYS if keys is None else keys
    consumers = Consumers({"consumers": [ANN, BOB, GUEST], "keyauth_credentials": keys})
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


def test_a_consumer_without_a_user_name_has_none_and_keeps_nobody_elses() -> None:
    consumer = {"id": "c-nix", "username": None, "custom_id": "7"}
    keys: list[dict[str, Any]] = [{**KEYS[0], "consumer": "c-nix"}]
    consumers = Consumers({"consumers": [consumer], "keyauth_credentials": keys})
    pool: ProducerPool = None  # type: ignore[assignment]  # no plugin here writes records
    plugin = KeyAuth(Config(), PluginContext(pool, lambda _: None, consumers=consumers))
    claimed = ((b"x-consumer-username", b"root"), (b"x-consumer-custom-id", b"1"))
    headers = passes(plugin, asked(b"/", (b"apikey", b"of ann"), *claimed))
    assert b"x-consumer-username" not in headers
    assert (headers[b"x-consumer-id"], headers[b"x-consumer-custom-id"]) == (b"c-nix", b"7")


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
            b'{ "n": 12345678901234567890123.50}',
        ),
        (
            b"application/json",
            b'{"a":{"apikey":1,"apikey":2}, "b":"\\ud800","apikey":"of ann"}',
            b'{"a":{"apikey":1,"apikey":2}, "b":"\\ud800"}',
        ),
        (
            b"application/json",
            b'{"x":%b,\n"apikey":"of ann" , "y":1}' % (b"[" * 600 + b"]" * 600),
            b'{"x":%b, "y":1}' % (b"[" * 600 + b"]" * 600),
        ),
        (b"application/json", b' {"apikey":"of ann"} ', b" {} "),
        (
            b"application/json",
            '{"apikey":"of ann","n":"ø"}'.encode("utf-16-le"),
            '{"n":"ø"}'.encode("utf-16-le"),
        ),
        (
            b'multipart/form-data; boundary="x-y"',
            b'--x-y\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
            b'--x-y\r\ncontent-disposition: form-data; filename="f; name=a"; name=apikey\r\n'
            b"Content-Type: text/plain\r\n\r\nof ann\r\n--x-y--\r\n",
            b'--x-y\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x-y--\r\n',
        ),
        (
            b"Multipart/Form-Data; charset=utf-8; Boundary=b",
            b'preamble\n--b\nContent-Disposition: form-data; name="apikey"\n\nof ann\n--b--',
            b"preamble\n--b--",
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


_JSON, _FORM = b"application/json", b"application/x-www-form-urlencoded"
_MULTIPART = b"multipart/form-data; boundary=b"


def part(name: bytes, value: bytes) -> bytes:
    return b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (name, value)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (_JSON, b'{"apikey":["of ann"]}'),
        (_JSON, b'{"apikey":[]}'),
        (_JSON, b'{"apikey":["of ann","of bob"]}'),
        (_JSON, b'{"apikey":{"0":"of ann"}}'),
        (_JSON, b'{"apikey":"of ann","apikey":"of ann"}'),
        (_JSON, b'{"apikey":"of bob","a":1,"\\u0061pikey":"of ann"}'),
        (_FORM, b"apikey=of+ann&apikey=of+ann"),
        (_FORM, b"apikey=of+ann&" + b"a=1&" * 200 + b"%61pikey=of+bob"),
        (_FORM, b"apikey&apikey=of+ann"),
        (_MULTIPART, part(b"apikey", b"of ann") + part(b"apikey", b"of bob") + b"--b--"),
    ],
)
def test_two_keys_in_a_body_are_refused_as_such(content_type: bytes, body: bytes) -> None:
    request = asked(b"/", (b"content-type", content_type), body=body)
    assert refusal(handler(key_in_body=True), request) == "Duplicate API key found"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (_JSON, b'{"apikey":1}'),
        (_JSON, b'{"apikey":true}'),
        (_JSON, b'{"apikey":null}'),
        (_JSON, b'{"apikey":""}'),
        (_JSON, b'{"apikey":"of ann"'),
        (_JSON, b'{"apikey":"of ann"} x'),
        (_JSON, b'{"a":{"apikey":"of ann"}}'),
        (_FORM, b"apikey"),
        (_FORM, b"apikey="),
        (_FORM, b"apikey[]=of+ann&apikey[1]=of+ann&APIKEY=of+ann"),
        (_MULTIPART, part(b"a", b"of ann") + b"--b--"),
        (_MULTIPART, part(b"apikey", b"") + b"--b--"),
        (_MULTIPART, b"--b\r\n\r\ncontent-disposition: form-data; name=apikey\r\n--b--"),
        (
            _MULTIPART,
            b"--b\r\nX: 1\r\n\r\ncontent-disposition: x; name=apikey\r\n\r\nof ann\r\n--b--",
        ),
        (b"multipart/form-data", part(b"apikey", b"of ann") + b"--b--"),
        (b"text/plain", b"apikey=of+ann"),
    ],
)
def test_what_is_no_text_under_the_name_is_no_key(content_type: bytes, body: bytes) -> None:
    request = asked(b"/", (b"content-type", content_type), body=body)
    assert refusal(handler(key_in_body=True), request) == "No API key found in request"


def test_a_name_without_text_gives_way_to_the_next_place() -> None:
    plugin = handler(key_in_body=True, key_names=["apikey", "token"])
    body = b'{"apikey":null,"token":"of ann"}'
    passes(plugin, asked(b"/?apikey&token", (b"content-type", _JSON), body=body))
    with_empty = asked(b"/?apikey=", (b"content-type", _JSON), body=b'{"apikey":"of ann"}')
    assert refusal(plugin, with_empty) == "No API key found in request"


@pytest.mark.parametrize(
    ("content_type", "body", "problem"),
    [
        (_JSON, b'{"apikey":%b' % (b"[" * 100_000), "nested too deep"),
        (_JSON, b"{%b}" % b",".join([b'"apikey":1'] * 5001), "too many members"),
        (_FORM, b"apikey&" * 200, "too many places"),
        (_MULTIPART, part(b"a", b"") * 2000, "too many parts"),
    ],
)
def test_a_body_that_takes_too_long_to_look_through_is_refused(
    content_type: bytes, body: bytes, problem: str
) -> None:
    request = asked(b"/", (b"content-type", content_type), body=body)
    with pytest.raises(RequestRejected, match=problem) as caught:
        handler(key_in_body=True, anonymous="guest").access(request)
    assert caught.value.status == 400


@pytest.mark.parametrize("key", [b"nobody's", b"of ann&apikey=of bob", b""])
def test_a_rejected_key_of_an_anonymous_request_is_hidden_like_a_good_one(key: bytes) -> None:
    plugin = handler(hide_credentials=True, anonymous="guest", key_in_body=True)
    query = key.replace(b" ", b"+")
    bodies = [
        (_FORM, b"a=1&apikey=" + query, b"a=1"),
        (_JSON, b'{"apikey":"%b","a":1}' % key, b'{"a":1}'),
        (_JSON, b'{"a":1,"apikey":["%b"],"apikey":null}' % key, b'{"a":1}'),
        (_MULTIPART, part(b"apikey", key) + b"--b--", b"--b--"),
    ]
    for content_type, body, left in bodies:
        headers = ((b"apikey", key), (b"ApiKey".lower(), key), (b"content-type", content_type))
        request = asked(b"/p?b&apikey=%b&c=1" % query, *headers, body=body)
        assert passes(plugin, request)[b"x-anonymous-consumer"] == b"true"
        assert request.header(b"apikey") is None
        assert (request.target, request.query) == (b"/p?b&c=1", b"b&c=1")
        assert request.body == left


def test_the_length_of_a_body_is_that_without_the_key() -> None:
    plugin = handler(hide_credentials=True, key_in_body=True)
    for body, left in ((b"apikey=of+ann&a=1", b"a=1"), (b"a=1", b"a=1")):
        lines = ((b"content-type", _FORM), (b"content-length", b"%d" % len(body)))
        request = asked(
            b"/", *lines, *([(b"apikey", b"of ann")] if body == left else []), body=body
        )
        assert passes(plugin, request)[b"content-length"] == b"3"
        assert request.body == left


def test_keys_are_hidden_on_every_way_through() -> None:
    plugin = handler(hide_credentials=True, run_on_preflight=False, anonymous="guest")
    preflight = request_of(b"/?apikey=of+ann", method=b"OPTIONS", headers=[(b"apikey", b"x")])
    assert plugin.access(preflight) is None
    assert (preflight.headers, preflight.target) == ([], b"/")
    known = asked(b"/?apikey=of+ann")
    known.credential = {"id": "of another plugin"}
    passes(plugin, known)
    assert known.target == b"/"


@pytest.mark.parametrize("name", ["x-api_key", "x_api-key", "X-API-KEY"])
def test_hyphens_and_underscores_of_a_header_are_the_same(name: str) -> None:
    plugin = handler(key_names=[name], hide_credentials=True)
    for sent in (b"x-api-key", b"x_api_key", b"x-api_key"):
        headers = passes(plugin, asked(b"/", (sent, b"of ann")))
        assert sent not in headers
    two = asked(b"/", (b"x-api-key", b"of ann"), (b"x_api_key", b"of ann"))
    assert refusal(plugin, two) == "Duplicate API key found"


def test_hidden_keys_are_gone_from_headers_query_and_target() -> None:
    plugin = handler(hide_credentials=True)
    request = asked(b"/p?a=%2f&apikey=of+ann&b", (b"apikey", b"of ann"))
    headers = passes(plugin, request)
    assert b"apikey" not in headers
    assert (request.query, request.target) == (b"a=%2f&b", b"/p?a=%2f&b")
    alone = asked(b"/p?apikey=of+ann")
    passes(plugin, alone)
    assert (alone.query, alone.target) == (None, b"/p")


def test_what_is_no_place_for_a_key_is_left_alone() -> None:
    in_query = handler(hide_credentials=True, key_in_header=False)
    headers = passes(in_query, asked(b"/?apikey=of+ann", (b"apikey", b"the upstream's")))
    assert headers[b"apikey"] == b"the upstream's"
    in_header = handler(hide_credentials=True, key_in_query=False)
    request = asked(b"/?apikey=of+bob", (b"apikey", b"of ann"))
    passes(in_header, request)
    assert request.target == b"/?apikey=of+bob"


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
