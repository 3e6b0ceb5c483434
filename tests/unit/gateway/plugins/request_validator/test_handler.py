# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.plugins.request_validator.handler import RequestValidator
from gateway.plugins.request_validator.schema import Config
from tests.support.policies import policy_gateway
from tests.support.requests import request_of

NAME = "request-validator"
JSON = "Content-Type: application/json"
KONG = {"body_schema": '[{"name": {"type": "string", "required": true}}]'}
DRAFT = {
    "version": "draft4",
    "body_schema": '{"properties": {"name": {"type": "string"}}, "required": ["name"]}',
}
NOT_FIT = b'{"message":"request body doesn\'t conform to schema"}'


@pytest.mark.parametrize("config", [KONG, DRAFT])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"name":"x"}', 200),
        (b'{"name":1}', 400),
        (b"{}", 400),
        (b"[]", 400),
        (b"{", 400),
        (b"", 400),
        (b'{"name":"\xff"}', 400),
        (b"[" * 10_000, 400),
        (b'{"name":' + b"[" * 300 + b"]" * 300 + b"}", 400),
        (b'{"name":1e999}', 400),
    ],
)
async def test_bodies(config: dict[str, Any], body: bytes, status: int) -> None:
    if config is DRAFT and body == b"[]":
        status = 200  # properties say nothing of what is no object
    async with policy_gateway((NAME, config)) as gateway:
        response = await gateway.ask("/", JSON, method="POST", body=body)
        assert response.status == status
        if status == 400:
            assert response.body == NOT_FIT
            assert gateway.seen == []
        else:
            assert gateway.body == body


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ((), 400),
        (("Content-Type: text/plain",), 400),
        (("Content-Type: application/json; charset=utf-8",), 400),
        (("Content-Type: application/json",), 200),
        (("Content-Type: application/json", "Content-Type: application/json"), 400),
    ],
)
async def test_types(lines: tuple[str, ...], status: int) -> None:
    async with policy_gateway((NAME, KONG)) as gateway:
        response = await gateway.ask("/", *lines, method="POST", body=b'{"name":"x"}')
        assert response.status == status
        if status == 400:
            assert response.body == b'{"message":"specified Content-Type is not allowed"}'


async def test_json_by_another_name_is_looked_at_and_other_types_pass() -> None:
    config = {**KONG, "allowed_content_types": ["application/merge-patch+json", "text/plain"]}
    async with policy_gateway((NAME, config)) as gateway:
        for kind, body, status in (
            ("application/merge-patch+json", b"{}", 400),
            ("application/merge-patch+json", b'{"name":"x"}', 200),
            ("text/plain", b"{}", 200),
        ):
            asked = await gateway.ask("/", f"Content-Type: {kind}", method="POST", body=body)
            assert asked.status == status


async def test_a_refusal_says_what_is_wrong_where_that_is_wanted() -> None:
    config = {**DRAFT, "verbose_response": True}
    async with policy_gateway((NAME, config)) as gateway:
        response = await gateway.ask("/", JSON, method="POST", body=b'{"name":1}')
        message = orjson.loads(response.body)["message"]
        assert message == {"data": {"name": 1}, "error": '[name]: 1 is not of type "string"'}


async def test_a_parameter_in_the_path() -> None:
    one = {"in": "path", "name": "status_code", "required": True, "style": "simple",
           "explode": False, "schema": '{"type": "number"}'}  # fmt: skip
    route = {"paths": ["~/status/(?<status_code>[^/]+)$"]}
    async with policy_gateway((NAME, {"parameter_schema": [one]}), route=route) as gateway:
        assert (await gateway.ask("/status/123")).status == 200
        refused = await gateway.ask("/status/abc")
        assert refused.status == 400
        text = "path param 'status_code' doesn't conform to schema"
        assert orjson.loads(refused.body) == {"message": text}


@pytest.mark.parametrize(
    ("required", "target", "status"),
    [(True, "/", 400), (True, "/?p=1", 200), (True, "/?p", 200), (False, "/", 200)],
)
async def test_a_required_parameter(required: bool, target: str, status: int) -> None:
    config = {"parameter_schema": [{"in": "query", "name": "p", "required": required}]}
    async with policy_gateway((NAME, config)) as gateway:
        assert (await gateway.ask(target)).status == status


async def test_a_refused_body_is_not_produced() -> None:
    kafka = {
        "bootstrap_servers": [{"host": "127.0.0.1", "port": 1}],
        "topic": "orders",
        "forward_body": True,
    }
    plugins: list[tuple[str, Any]] = [(NAME, KONG), ("kafka-upstream", kafka)]
    async with policy_gateway(*plugins) as gateway:
        response = await gateway.ask("/", JSON, method="POST", body=b"{}")
        assert (response.status, response.body) == (400, NOT_FIT)


@settings(max_examples=50)
@given(st.binary(max_size=60), st.sampled_from([KONG, DRAFT]))
def test_whatever_comes_is_let_pass_or_refused(body: bytes, config: dict[str, Any]) -> None:
    handler = RequestValidator(Config(**config), None)  # type: ignore[arg-type]  # needs none
    request = request_of(method=b"POST", headers=[(b"content-type", b"application/json")])
    request.body = body
    found = handler.access(request)
    assert found is None or found.status == 400
