# SPDX-License-Identifier: Apache-2.0
"""Requests as the upstream and the record get them, over real sockets."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from gateway.kafka.pool import ProducerPool
from gateway.plugins.base import PluginContext
from gateway.plugins.produce.envelope import EnvelopeBuilder
from gateway.plugins.request_transformer.handler import RequestTransformer
from gateway.plugins.request_transformer.schema import Config
from tests.support.http import ReceivedResponse
from tests.support.policies import PolicyGateway, policy_gateway
from tests.support.requests import request_of

NAME = "request-transformer"
JSON = "Content-Type: application/json"
FORM = "Content-Type: application/x-www-form-urlencoded"


async def sent(
    config: dict[str, Any],
    target: str = "/",
    *lines: str,
    method: str = "GET",
    body: bytes = b"",
    route: dict[str, Any] | None = None,
    status: int = 200,
) -> PolicyGateway:
    """Return the gateway after one request."""
    async with policy_gateway((NAME, config), route=route) as gateway:
        response = await gateway.ask(target, *lines, method=method, body=body)
        assert response.status == status
        return gateway


async def test_a_renamed_header_takes_the_others_place() -> None:
    config = {"rename": {"headers": ["x-to-rename:x-is-renamed"]}}
    gateway = await sent(config, "/", "X-To-Rename: new", "X-Is-Renamed: old")
    assert gateway.header("x-is-renamed") == ["new"]
    assert gateway.header("x-to-rename") == []


async def test_a_header_can_get_another_case() -> None:
    gateway = await sent({"rename": {"headers": ["x-case:X-CASE"]}}, "/", "x-case: 1")
    assert "X-CASE: 1" in gateway.raw


async def test_an_added_header_goes_out_as_it_is_written() -> None:
    gateway = await sent({"add": {"headers": ["X-NeW:1", "x-old:2"]}}, "/", "X-Old: 1")
    assert "X-NeW: 1" in gateway.raw
    assert gateway.header("x-old") == ["1"]


async def test_appended_values_are_lines_of_their_own() -> None:
    gateway = await sent({"append": {"headers": ["h1:v1", "h1:v2"]}})
    assert gateway.header("h1") == ["v1", "v2"]


async def test_templates_see_the_request_as_it_came() -> None:
    config = {
        "replace": {"headers": ["x-replace-header:the new value"]},
        "add": {
            "headers": ["x-test-header:$(headers['x-replace-header'])"],
            "querystring": ["h:$(headers['x-replace-header'])"],
        },
    }
    gateway = await sent(config, "/", "X-Replace-Header: the old value")
    assert gateway.header("x-test-header") == ["the old value"]
    assert gateway.header("x-replace-header") == ["the new value"]
    assert gateway.line == "GET /?h=the%20old%20value HTTP/1.1"


async def test_a_template_that_fails_is_a_500() -> None:
    gateway = await sent({"add": {"querystring": ["q1:$(ERROR())"]}}, status=500)
    assert gateway.seen == []


async def test_a_value_that_begins_with_a_hash_is_text() -> None:
    gateway = await sent({"add": {"headers": ["x-a:#1"]}})
    assert gateway.header("x-a") == ["#1"]


async def test_host_can_be_replaced_but_not_added_removed_or_renamed() -> None:
    kept = {
        "add": {"headers": ["host:mark"]},
        "append": {"headers": ["host:mark"]},
        "remove": {"headers": ["Host"]},
        "rename": {"headers": ["host:x-host"]},
    }
    gateway = await sent(kept, route={"preserve_host": True})
    assert gateway.header("host") == ["client.test"]
    assert gateway.header("x-host") == []
    gateway = await sent({"replace": {"headers": ["Host:other.test"]}})
    assert gateway.header("host") == ["other.test"]


async def test_a_header_named_in_connection_still_goes_up_when_the_plugin_added_it() -> None:
    config = {"add": {"headers": ["x-secret:1"]}}
    gateway = await sent(config, "/", "Connection: keep-alive, x-secret")
    assert gateway.header("x-secret") == ["1"]


@pytest.mark.parametrize(
    "target", ["/?v=%0d%0aX-Evil:%201", "/?v=%0aGET%20/admin", "/?v=a%00b", "/?v=%E2%80%A8"]
)
async def test_nothing_that_a_client_sends_becomes_a_line(target: str) -> None:
    config = {
        "add": {"headers": ["x-a:<$(query_params.v)>"], "querystring": ["w:$(query_params.v)"]},
        "replace": {"uri": "/new/$(query_params.v)", "headers": ["host:$(query_params.v)"]},
    }
    gateway = await sent(config, target)
    assert gateway.header("x-evil") == []
    assert len(gateway.header("x-a")) == len(gateway.header("host")) == 1
    assert gateway.line.startswith("GET /new/")
    assert gateway.line.count(" ") == 2


async def test_a_path_is_made_of_what_the_route_found() -> None:
    route = {"paths": [r"~/shops/(?<shop>[a-z]+)/(\d+)$"], "strip_path": True}
    config = {"replace": {"uri": "/v2/$(uri_captures.shop)/$(uri_captures[2])"}}
    gateway = await sent(config, "/shops/abc/12?keep=1", route=route)
    assert gateway.line == "GET /v2/abc/12?keep=1 HTTP/1.1"


async def test_a_question_mark_of_a_client_stays_in_the_path() -> None:
    gateway = await sent({"replace": {"uri": "/$(query_params.p)"}}, "/?p=a%3Fadmin=1")
    assert gateway.line == "GET /a%3Fadmin=1?p=a%3Fadmin=1 HTTP/1.1"


async def test_query_arguments_that_are_not_named_stay_as_they_were() -> None:
    config = {
        "remove": {"querystring": ["secret"]},
        "rename": {"querystring": ["old:new"]},
        "replace": {"querystring": ["r:x"]},
        "add": {"querystring": ["a:1", "r:9"]},
        "append": {"querystring": ["r:y"]},
    }
    gateway = await sent(config, "/p?z=%7e+1&secret=s&old=1&r=0&secret")
    assert gateway.line == "GET /p?z=%7e+1&new=1&r=x&a=1&r=y HTTP/1.1"


async def test_a_json_body_is_changed_and_its_length_is_right() -> None:
    config = {
        "remove": {"body": ["gone"]},
        "rename": {"body": ["old:new"]},
        "replace": {"body": ["there:2", "missing:2"]},
        "add": {"body": ["flag:x", "there:9"]},
        "append": {"body": ["list:3", "text:b", "made:1"]},
    }
    body = b'{"gone":1,"old":12345678901234567890123,"there":1,"flag":false,"list":[],"text":"a"}'
    gateway = await sent(config, "/", JSON, method="POST", body=body)
    assert gateway.body == (
        b'{"there":"2","flag":"x","list":["3"],"text":["a","b"],'
        b'"new":12345678901234567890123,"made":["1"]}'
    )
    assert gateway.header("content-length") == [str(len(gateway.body))]


@pytest.mark.parametrize(
    "body", [b"{malformed", b"[1]", b"3", b'"x"', b"\xff", b"[" * 5000, b'{"a":"\xff"}']
)
async def test_a_body_that_is_no_object_stays_as_it_is(body: bytes) -> None:
    config = {"remove": {"body": ["a"]}, "add": {"body": ["b:1"]}}
    gateway = await sent(config, "/", JSON, method="POST", body=body)
    assert gateway.body == body


async def test_an_empty_json_body_gets_what_is_added() -> None:
    config = {"add": {"body": ["p1:v1"]}, "append": {"body": ["p2:v2"]}}
    gateway = await sent(config, "/", JSON, "Content-Length: 0", method="POST")
    assert gateway.json == {"p1": "v1", "p2": ["v2"]}
    assert gateway.header("content-length") == [str(len(gateway.body))]


async def test_a_form_is_changed() -> None:
    config = {
        "remove": {"body": ["gone"]},
        "rename": {"body": ["old:new"]},
        "replace": {"body": ["there:a b"]},
        "add": {"body": ["more:1"]},
    }
    gateway = await sent(
        config, "/", FORM, method="POST", body=b"gone=1&old=%C3%A9&there=1&keep=+x"
    )
    assert gateway.body == b"new=%C3%A9&there=a%20b&keep=+x&more=1"
    assert gateway.header("content-length") == [str(len(gateway.body))]


async def test_a_multipart_form_is_changed() -> None:
    head = "Content-Type: multipart/form-data; boundary=xx"
    body = b'--xx\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--xx--\r\n'
    config = {"rename": {"body": ["a:b"]}}
    gateway = await sent(config, "/", head, method="POST", body=body)
    assert gateway.body == body.replace(b'"a"', b'"b"')


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "multipart/form-data"])
async def test_other_bodies_stay_as_they_are(kind: str) -> None:
    config = {"remove": {"body": ["a"]}, "add": {"body": ["b:1"]}}
    gateway = await sent(config, "/", f"Content-Type: {kind}", method="POST", body=b"a=1")
    assert gateway.body == b"a=1"


async def test_a_form_moves_into_the_query_with_the_method() -> None:
    gateway = await sent({"http_method": "GET"}, "/?a=1", FORM, method="POST", body=b"b=2&a=3")
    assert gateway.line == "GET /?a=1&b=2&a=3 HTTP/1.1"


@pytest.mark.parametrize(("asked", "made"), [("HEAD", "GET"), ("GET", "HEAD"), ("GET", "POST")])
async def test_a_changed_method_does_not_break_the_connection(asked: str, made: str) -> None:
    async with policy_gateway((NAME, {"http_method": made})) as gateway:
        wire = await gateway.running.connect()
        for _ in range(2):
            request = f"{asked} / HTTP/1.1\r\nHost: h\r\n\r\n".encode()
            if made == "HEAD":
                break  # the upstream of this test sends a body whatever is asked
            response: ReceivedResponse = await asyncio.wait_for(
                wire.ask(request, bodyless=asked == "HEAD"), 10
            )
            assert response.status == 200
            assert gateway.line.startswith(f"{made} / ")


async def test_requests_do_not_see_each_other() -> None:
    config = {"add": {"querystring": ["mine:$(query_params.q or 'none')"]}}
    async with policy_gateway((NAME, config)) as gateway:
        asked = [f"/?q={place}" if place % 2 else "/" for place in range(20)]
        await asyncio.gather(*(gateway.ask(target) for target in asked))
        lines = sorted(head.split(b" ")[1].decode() for head, _ in gateway.seen)
        expected = [f"/?q={n}&mine={n}" if n % 2 else "/?mine=none" for n in range(20)]
        assert lines == sorted(expected)


def transformer(**config: Any) -> RequestTransformer:
    pool: ProducerPool = None  # type: ignore[assignment]  # no records here
    return RequestTransformer(Config(**config), PluginContext(pool, lambda _: None))


def test_a_record_shows_the_request_as_it_was_changed() -> None:
    handler = transformer(
        http_method="PUT",
        remove={"headers": ["x-secret"], "querystring": ["token"]},
        add={"body": ["by:gateway"]},
        replace={"uri": "/records"},
    )
    headers = [(b"content-type", b"application/json"), (b"x-secret", b"s")]
    request = request_of(b"/a?token=t&keep=1", method=b"POST", headers=headers)
    request.body = b"{}"
    handler.access(request)
    whole = EnvelopeBuilder(method=True, headers=True, uri=True, body=True)
    shown = orjson.loads(whole.encode(request, request.body))
    assert shown["method"] == "PUT"
    assert shown["uri"] == "/records?keep=1"
    assert shown["uri_args"] == {"keep": "1"}
    assert shown["body_args"] == {"by": "gateway"}
    assert shown["headers"] == {"content-type": "application/json", "content-length": "16"}


def test_a_body_is_kept_only_where_it_is_changed() -> None:
    assert not transformer(add={"headers": ["a:b"]}).needs_body
    assert transformer(add={"body": ["a:b"]}).needs_body
    assert transformer(http_method="GET").needs_body
    assert not transformer(http_method="PUT").needs_body


async def test_without_lua_templates_are_a_500_and_text_still_works() -> None:
    config = {"add": {"headers": ["x-a:text", "x-b:$(1)"]}}
    async with policy_gateway((NAME, config), lua_allowed=False) as gateway:
        assert (await gateway.ask()).status == 500
    async with policy_gateway(
        (NAME, {"add": {"headers": ["x-a:text"]}}), lua_allowed=False
    ) as gateway:
        assert (await gateway.ask()).status == 200
        assert gateway.header("x-a") == ["text"]
