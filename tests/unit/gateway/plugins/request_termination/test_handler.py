# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio

import orjson
import pytest

from tests.support.policies import policy_gateway
from tests.support.releases import number
from tests.support.waiting import PATIENCE

NAME = "request-termination"


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "Unauthorized"),
        (404, "Not found"),
        (405, "Method not allowed"),
        (500, "An unexpected error occurred"),
        (502, "Bad Gateway"),
        (503, "Service unavailable"),
    ],
)
async def test_the_usual_statuses_have_a_message(status: int, message: str) -> None:
    async with policy_gateway((NAME, {"status_code": status})) as gateway:
        response = await gateway.ask()
        assert response.status == status
        assert orjson.loads(response.body) == {"message": message}
        assert response.headers["content-type"] == "application/json; charset=utf-8"
        assert gateway.seen == []


@pytest.mark.parametrize("status", [200, 418, 599])
async def test_other_statuses_have_an_empty_body(status: int) -> None:
    async with policy_gateway((NAME, {"status_code": status})) as gateway:
        response = await gateway.ask()
        assert (response.status, response.body) == (status, b"")
        assert response.headers["content-length"] == "0"


@pytest.mark.parametrize("status", [204, 304])
async def test_a_status_without_content_has_neither_body_nor_length(status: int) -> None:
    config = {"status_code": status, "message": "nobody reads it"}
    async with policy_gateway((NAME, config)) as gateway:
        wire = await gateway.running.connect()
        for _ in range(2):
            response = await wire.ask(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            assert response.status == status
            assert "content-length" not in response.headers


async def test_an_interim_status_ends_with_the_connection() -> None:
    async with policy_gateway((NAME, {"status_code": 100, "message": "m"})) as gateway:
        wire = await gateway.running.connect()
        await wire.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        status, headers, _ = await wire.head()
        assert (status, headers["connection"]) == (100, "close")
        assert await asyncio.wait_for(wire.rest(), PATIENCE) == b""


async def test_a_body_goes_out_as_it_is() -> None:
    config = {"body": "<html>é</html>", "content_type": "text/html"}
    async with policy_gateway((NAME, config)) as gateway:
        response = await gateway.ask()
        assert response.status == 503
        assert response.body == "<html>é</html>".encode()
        assert response.headers["content-type"] == "text/html"


async def test_a_line_break_in_a_type_makes_no_header_of_its_own() -> None:
    config = {"body": "plain", "content_type": "text/plain\r\nX-Own: 1"}
    async with policy_gateway((NAME, config)) as gateway:
        response = await gateway.ask()
        assert "x-own" not in response.headers
        assert response.headers["content-type"] == "text/plain  X-Own: 1"


async def test_a_body_without_a_type_has_none() -> None:
    async with policy_gateway((NAME, {"body": "plain"})) as gateway:
        response = await gateway.ask()
        assert response.body == b"plain"
        assert "content-type" not in response.headers


@pytest.mark.parametrize(
    ("target", "lines", "status"),
    [
        ("/", (), 200),
        ("/?other=1", ("X-Other: 1",), 200),
        ("/?x-stop=1", (), 503),
        ("/?x-stop", (), 503),
        ("/", ("X-Stop: 1",), 503),
        ("/", ("x_stop: 1",), 503),
    ],
)
async def test_with_a_trigger_only_requests_that_have_it_end(
    target: str, lines: tuple[str, ...], status: int
) -> None:
    async with policy_gateway((NAME, {"trigger": "x-stop"})) as gateway:
        response = await gateway.ask(target, *lines)
        assert response.status == status


async def test_an_echo_shows_the_request() -> None:
    async with policy_gateway((NAME, {"echo": True, "trigger": "x-stop"})) as gateway:
        response = await gateway.ask(
            "/a?x-stop=1", "Content-Type: application/json", method="POST", body=b'{"a":[1]}'
        )
        assert response.status == 503
        shown = orjson.loads(response.body)
        assert shown["message"] == "Service unavailable"
        assert set(shown) == {"message", "kong", "request", "matched_route", "matched_service"}
        request = shown["request"]
        assert request["method"] == "POST"
        assert request["path"] == "/a"
        assert request["query"] == {"x-stop": "1"}
        assert request["body"] == {"a": [1]}
        assert request["raw_body"] == '{"a":[1]}'
        assert request["headers"]["host"] == "client.test"
        assert shown["matched_route"]["name"] == "r"
        assert shown["matched_service"]["name"] == "s"


async def test_on_a_route_that_produces_it_ends_the_request_before_a_record() -> None:
    kafka = ("kafka-upstream", KAFKA)
    async with policy_gateway((NAME, {"status_code": 403, "message": "no"}), kafka) as gateway:
        response = await gateway.ask(method="POST", body=b"x")
        assert (response.status, orjson.loads(response.body)) == (403, {"message": "no"})


KAFKA = {
    "bootstrap_servers": [{"host": "127.0.0.1", "port": 1}],
    "topic": "orders",
    "forward_body": True,
}


async def test_callers_without_a_key_are_ended_before_a_record_and_others_are_not() -> None:
    nobody = {"id": number("nobody"), "username": "nobody", "custom_id": None, "tags": None}
    ann = {"id": number("ann"), "username": "ann", "custom_id": None, "tags": None}
    key = {"id": number("key"), "key": "sesame", "consumer": ann["id"], "tags": None}
    gate = {
        "id": number("gate"),
        "name": NAME,
        "config": {"status_code": 401, "message": "show a key"},
        "consumer": nobody["id"],
    }
    async with policy_gateway(
        ("key-auth", {"anonymous": "nobody"}),
        ("kafka-upstream", {**KAFKA, "timeout": 1000}),
        rows=[gate],
        collections={"consumers": [nobody, ann], "keyauth_credentials": [key]},
    ) as gateway:
        refused = await gateway.ask(method="POST", body=b"x")
        assert (refused.status, orjson.loads(refused.body)) == (401, {"message": "show a key"})
        wrong = await gateway.ask("/", "apikey: wrong", method="POST", body=b"x")
        assert wrong.status == 401
        # No broker is there: the request got as far as the plugin that produces.
        known = await gateway.ask("/", "apikey: sesame", method="POST", body=b"x")
        assert known.status in (502, 503)
