# SPDX-License-Identifier: Apache-2.0
"""``key-auth`` on a real socket, by the rules of Kong's own tests; consumer groups behind it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from gateway.data_plane.counters import Counters
from gateway.data_plane.worker.application import GatewayApplication
from gateway.entities import validate_row
from gateway.errors import ReleaseRefused, SchemaViolation
from tests.support.gates import consumers, credential, gate
from tests.support.http import get, serving
from tests.support.releases import compiled, number, plugin_row, route, table

FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json"}
NONE, TWO, UNKNOWN = (
    "No API key found in request",
    "Duplicate API key found",
    "Unauthorized",
)
TABLE: dict[str, Any] = {
    "consumers": consumers("bob", "no-body"),
    "keyauth_credentials": [credential("bob", key="kong")],
}
BODY = {"key_in_body": True}


@pytest.mark.parametrize(
    ("config", "target", "headers", "body", "message"),
    [
        ({}, "/gate", {}, b"", NONE),
        ({}, "/gate", {"apikey": ""}, b"", NONE),
        ({}, "/gate?apikey=kong", {}, b"", ""),
        ({}, "/gate", {"apikey": "kong"}, b"", ""),
        ({}, "/gate?apikey=kong&apikey=kong", {}, b"", TWO),
        ({}, "/gate?apikey=wrong", {}, b"", UNKNOWN),
        (BODY, "/gate", FORM, b"apikey=kong", ""),
        (BODY, "/gate", FORM, b"apikey=kong&apikey=kong", TWO),
        (BODY, "/gate", FORM, b"apikey[1]=kong&apikey[1]=kong", NONE),
        (BODY, "/gate", FORM, b"apikey[]=kong", NONE),
        (BODY, "/gate?apikey=kong", {"apikey": "wrong"}, b"", UNKNOWN),
        (BODY, "/gate?apikey=wrong", FORM, b"apikey=kong", UNKNOWN),
        ({"key_in_header": False}, "/gate", {"apikey": "kong"} | FORM, b"apikey=x", NONE),
        ({"key_in_query": False}, "/gate?apikey=kong", {}, b"", NONE),
        (BODY, "/gate", JSON, b'{"apikey":"kong"}', ""),
        (BODY, "/gate", JSON, b'{"apikey":["kong"]}', TWO),
        (BODY, "/gate", JSON, b'{"apikey":{"a":"kong"}}', TWO),
        # As Kong, which finds no field of a name in a list, and reads no other type as JSON.
        (BODY, "/gate", JSON, b'[{"apikey":"kong"}]', NONE),
        (BODY, "/gate", {"content-type": "text/json"}, b'{"apikey":"kong"}', NONE),
        ({"key_names": ["x-key", "apikey"]}, "/gate?apikey=kong", {"x-key": "a"}, b"", UNKNOWN),
    ],
)
async def test_where_a_key_counts(
    config: dict[str, Any], target: str, headers: dict[str, str], body: bytes, message: str
) -> None:
    async with gate({"key-auth": {**config, "realm": "test-realm"}}, **TABLE) as place:
        found = await place.ask(target, headers, method="POST" if body else "GET", body=body)
        if message:
            assert (found.status, found.message) == (401, message)
            assert found.headers["www-authenticate"] == 'Key realm="test-realm"'
        else:
            assert found.header("x-consumer-username") == "bob"


async def test_a_preflight_request_needs_a_key_unless_told_otherwise() -> None:
    async with gate({"key-auth": {}}, **TABLE) as place:
        found = await place.ask(method="OPTIONS")
        assert (found.status, found.headers["www-authenticate"]) == (401, "Key")
    async with gate({"key-auth": {"run_on_preflight": False}}, **TABLE) as place:
        assert (await place.ask(method="OPTIONS")).status == 200
        assert (await place.ask()).status == 401


@pytest.mark.parametrize("name", [number("no-body"), "no-body"])
async def test_a_wrong_key_passes_as_the_anonymous_consumer(name: str) -> None:
    async with gate({"key-auth": {"anonymous": name}}, **TABLE) as place:
        found = await place.ask(headers={"apikey": "wrong", "x-consumer-id": "forged"})
        assert found.header("x-anonymous-consumer") == "true"
        assert found.header("x-consumer-username") == "no-body"
        assert found.header("x-consumer-id") == number("no-body")
        found = await place.ask(headers={"apikey": "kong", "x-anonymous-consumer": "true"})
        assert found.header("x-anonymous-consumer") is None


async def test_a_missing_anonymous_consumer_refuses_the_release_by_name() -> None:
    name = str(uuid4())
    with pytest.raises(ReleaseRefused, match=name):
        async with gate({"key-auth": {"anonymous": name}}, **TABLE):
            pass


def test_its_use_cannot_be_limited_to_a_consumer() -> None:
    row = {"name": "key-auth", "config": {}, "consumer": {"id": str(uuid4())}}
    with pytest.raises(SchemaViolation, match="value must be null"):
        validate_row("plugins", row)


async def test_a_member_of_several_groups_gets_the_plugin_of_the_first_by_name() -> None:
    """Also where the consumer is found after the anonymous one has been put in its place."""
    limits = {"b": 7, "a": 5}
    own = [
        plugin_row("key-auth", of="gate", anonymous="no-body"),
        plugin_row("basic-auth", of="gate", anonymous="no-body"),
        plugin_row("request-termination", of="gate", status_code=200),
    ]
    for group, minute in limits.items():
        row = plugin_row("rate-limiting", of="gate", minute=minute)
        own.append({**row, "id": number(f"of {group}"), "consumer_group": number(group)})
    content = table(
        routes=[route("gate")],
        plugins=own,
        consumer_groups=[{"id": number(name), "name": name} for name in limits],
        consumer_group_consumers=[
            {"consumer": number("bob"), "consumer_group": number(name)} for name in limits
        ],
        basicauth_credentials=[],
        **TABLE,
    )
    application = GatewayApplication(Counters())
    application.serve(await compiled(content))
    async with serving(application) as running:
        member = await running.once(get(b"/gate", b"apikey: kong"))
        assert member.headers["x-ratelimit-limit-minute"] == "5"
        other = await running.once(get(b"/gate"))
        assert "x-ratelimit-limit-minute" not in other.headers
