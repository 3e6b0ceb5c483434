# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import gzip
from typing import Any

import orjson
import pytest

from tests.support.http import ReceivedResponse, Wire
from tests.support.policies import policy_gateway
from tests.support.upstream import Script, answering, ok, take

NAME = "response-transformer"
JSON = b"Content-Type: application/json"


async def got(
    config: dict[str, Any], script: Script | bytes, *lines: str, method: str = "GET"
) -> ReceivedResponse:
    script = answering(script) if isinstance(script, bytes) else script
    async with policy_gateway((NAME, config), script=script) as gateway:
        return await gateway.ask("/", *lines, method=method)


async def test_a_json_body_is_changed_and_its_length_is_right() -> None:
    config = {
        "remove": {"json": ["gone"]},
        "rename": {"json": ["old:new"]},
        "replace": {"json": ["there:2", "false:2", "missing:2"], "json_types": ["number"]},
        "add": {"json": ["flag:x", "there:9", "null:1", "t:true"], "json_types": []},
        "append": {"json": ["p1:v1"]},
    }
    body = b'{"gone":1,"old":1.10,"there":1,"false":false,"flag":false,"null":null,"p1":"v2"}'
    response = await got(config, ok(body, JSON))
    assert response.body == (
        b'{"there":2,"false":false,"flag":"x","null":null,"p1":["v2","v1"],"new":1.10,"t":"true"}'
    )
    assert response.headers["content-length"] == str(len(response.body))


async def test_a_streamed_body_is_changed_as_a_whole() -> None:
    async def script(wire: Wire) -> None:
        await take(wire)
        await wire.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + JSON + b"\r\n\r\n")
        body = b'{"a":"' + b"x" * 200_000 + b'","b":1}'
        for start in range(0, len(body), 50_000):
            piece = body[start : start + 50_000]
            await wire.send(b"%x\r\n%b\r\n" % (len(piece), piece))
        await wire.send(b"0\r\n\r\n")
        await wire.reader.read()

    response = await got({"remove": {"json": ["a"]}}, script)
    assert response.body == b'{"b":1}'
    assert response.headers["content-length"] == "7"


async def test_a_body_over_the_limit_is_a_502_and_tells_nothing() -> None:
    async def script(wire: Wire) -> None:
        await take(wire)
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 20000000\r\n" + JSON
        await wire.send(head + b'\r\n\r\n{"secret":"')
        await wire.reader.read()

    response = await got({"remove": {"json": ["secret"]}}, script)
    assert response.status == 502
    assert b"secret" not in response.body


@pytest.mark.parametrize("coding", [b"gzip", b"x-gzip"])
async def test_a_compressed_body_is_changed_too(coding: bytes) -> None:
    script = ok(gzip.compress(b'{"a":1,"b":2}'), JSON, b"Content-Encoding: " + coding)
    response = await got({"remove": {"json": ["a"]}}, script)
    assert response.body == b'{"b":2}'
    assert "content-encoding" not in response.headers


async def test_a_body_in_another_coding_passes() -> None:
    response = await got({"remove": {"json": ["a"]}}, ok(b"opaque", JSON, b"Content-Encoding: br"))
    assert (response.body, response.headers["content-encoding"]) == (b"opaque", "br")


async def test_a_compressed_body_that_is_broken_is_a_502() -> None:
    script = ok(b"no gzip", JSON, b"Content-Encoding: gzip")
    assert (await got({"remove": {"json": ["a"]}}, script)).status == 502


async def test_the_upstream_is_asked_not_to_compress_where_its_body_is_read() -> None:
    for config, asked in (({"remove": {"json": ["a"]}}, "identity"), ({}, "br")):
        async with policy_gateway((NAME, config)) as gateway:
            await gateway.ask("/", "Accept-Encoding: br")
            assert gateway.header("accept-encoding") == [asked]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{broken", JSON),
        (b"[1]", JSON),
        (b'"text"', JSON),
        (b"\xff\xfe", JSON),
        (b"[" * 5000, JSON),
        (b'{"a":1}', b"Content-Type: text/plain"),
        (b'{"a":1}', b"X-No-Type: 1"),
    ],
)
async def test_what_is_no_json_object_passes_unchanged(body: bytes, kind: bytes) -> None:
    response = await got({"remove": {"json": ["a"]}}, ok(body, kind))
    assert response.body == body
    assert response.headers["content-length"] == str(len(body))


@pytest.mark.parametrize(
    "kind", [b"application/json; charset=utf-8", b"application/problem+json", b"Application/JSON"]
)
async def test_json_has_many_names(kind: bytes) -> None:
    response = await got({"remove": {"json": ["a"]}}, ok(b'{"a":1}', b"Content-Type: " + kind))
    assert response.body == b"{}"


@pytest.mark.parametrize(
    ("raw", "method", "length"),
    [
        (b"HTTP/1.1 204 No Content\r\n" + JSON + b"\r\n\r\n", "GET", None),
        (b"HTTP/1.1 304 Not Modified\r\n" + JSON + b"\r\n\r\n", "GET", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n" + JSON + b"\r\n\r\n", "HEAD", None),
    ],
)
async def test_responses_without_content_stay_so(
    raw: bytes, method: str, length: str | None
) -> None:
    response = await got({"add": {"json": ["a:1"]}}, raw, method=method)
    assert response.body == b""
    assert response.headers.get("content-length") == length


async def test_an_empty_body_stays_empty() -> None:
    response = await got({"add": {"json": ["a:1"]}}, ok(b"", JSON))
    assert (response.body, response.headers["content-length"]) == (b"", "0")


async def test_responses_of_other_plugins_are_changed_as_well() -> None:
    config = {"add": {"json": ["by:gateway"], "headers": ["X-By:gateway"]}}
    plugins = ((NAME, config), ("request-termination", {"status_code": 418, "message": "tea"}))
    async with policy_gateway(*plugins) as gateway:
        response = await gateway.ask()
        assert orjson.loads(response.body) == {"message": "tea", "by": "gateway"}
        assert response.headers["content-length"] == str(len(response.body))
        assert response.headers["x-by"] == "gateway"


async def test_with_headers_alone_bodies_are_streamed_as_they_are() -> None:
    script = ok(b'{"a":1.0}', JSON, b"X-Gone: 1")
    config = {"remove": {"headers": ["x-gone"]}, "add": {"headers": ["X-New:1"]}}
    response = await got(config, script)
    assert response.body == b'{"a":1.0}'
    assert response.headers["x-new"] == "1"
    assert "x-gone" not in response.headers
