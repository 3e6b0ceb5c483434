# SPDX-License-Identifier: Apache-2.0
"""``basic-auth`` on a real socket, by the rules of Kong's own tests."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.http.messages import Response
from gateway.plugins.base import PluginContext
from gateway.plugins.basic_auth.handler import BasicAuth
from gateway.plugins.basic_auth.schema import Config
from gateway.plugins.consumers import Consumers
from tests.support.gates import consumers, credential, gate
from tests.support.releases import compiled_configuration, number, plugin_row, route, table
from tests.support.requests import request_of

BOB = "Basic Ym9iOmtvbmc="


def stored(password: str, consumer: str, algorithm: str = "sha1") -> str:
    return hashlib.new(algorithm, (password + number(consumer)).encode()).hexdigest()


def basic(text: str | bytes) -> str:
    return "Basic " + b64encode(text.encode() if isinstance(text, str) else text).decode()


ROWS = [
    credential("bob", username="bob", password=stored("kong", "bob")),
    credential("ann", username="änn", password=stored("pa:ss wörd", "ann", "sha256")),
    credential("nil", username="nil", password=stored("", "nil")),
]
TABLE: dict[str, Any] = {
    "consumers": consumers("bob", "ann", "nil", "guest"),
    "basicauth_credentials": ROWS,
}


@pytest.mark.parametrize(
    ("headers", "username"),
    [
        ({"authorization": BOB}, "bob"),
        ({"authorization": "basic   Ym9iOmtvbmc="}, "bob"),
        ({"authorization": "BasicYm9iOmtvbmc"}, "bob"),
        ({"proxy-authorization": BOB}, "bob"),
        ({"proxy-authorization": BOB, "authorization": basic("bob:wrong")}, "bob"),
        ({"proxy-authorization": basic("eve:kong"), "authorization": BOB}, "bob"),
        ({"proxy-authorization": "Bearer x", "authorization": BOB}, "bob"),
        ({"authorization": basic("änn:pa:ss wörd")}, "änn"),
        ({"authorization": basic("nil:")}, "nil"),
    ],
)
async def test_name_and_password_let_the_consumer_pass(
    headers: dict[str, str], username: str
) -> None:
    async with gate({"basic-auth": {}}, **TABLE) as place:
        found = await place.ask(headers=headers)
        assert found.status == 200, found
        assert found.header("x-credential-identifier") is not None
        expected = {"änn": "ann"}.get(username, username)
        assert found.header("x-consumer-username") == expected


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Basic a29uZw=="},
        {"authorization": "Basic adXNlcjEyMzpwYXNzd29yZDEyMw=="},
        {"authorization": "BASIC Ym9iOmtvbmc="},
        {"proxy-authorization": basic("bob:wrong"), "authorization": BOB},
        {"authorization": basic("bob:")},
        {"authorization": basic(":kong")},
        {"authorization": basic("eve:kong")},
        {"authorization": basic("BOB:kong")},
        {"authorization": basic(b"bob:\xff\xfe")},
        {"authorization": basic(b"\xff:kong")},
        {"authorization": "Basic ****"},
        {"authorization": "Basic Y"},
        {"authorization": "Basic"},
        {"authorization": f"x {BOB}"},
        {"authorization": basic(f"bob:{ROWS[0]['password']}")},
    ],
)
async def test_everything_else_is_a_401_with_the_realm(headers: dict[str, str]) -> None:
    async with gate({"basic-auth": {}}, **TABLE) as place:
        for method in ("GET", "OPTIONS"):
            found = await place.ask(headers=headers, method=method)
            assert (found.status, found.message) == (401, "Unauthorized")
            assert found.headers["www-authenticate"] == 'Basic realm="service"'
    config = {"anonymous": "guest", "hide_credentials": True}
    async with gate({"basic-auth": config}, **TABLE) as place:
        found = await place.ask(headers=headers)
        assert found.header("x-anonymous-consumer") == "true"
        assert found.header("x-credential-identifier") is None


async def test_passwords_are_hidden_and_other_proofs_are_not() -> None:
    async with gate({"basic-auth": {"hide_credentials": True}}, **TABLE) as place:
        both = await place.ask(
            headers={"proxy-authorization": basic("eve:x"), "authorization": BOB}
        )
        assert both.header("authorization") is both.header("proxy-authorization") is None
        first = await place.ask(headers={"proxy-authorization": BOB, "authorization": "Bearer x"})
        assert first.header("proxy-authorization") is None
        assert first.header("authorization") == "Bearer x"


async def test_with_key_auth_both_proofs_are_needed_or_one_where_both_may_be_anonymous() -> None:
    keys = [credential("ann", key="of ann")]
    both: dict[str, dict[str, Any]] = {"key-auth": {}, "basic-auth": {}}
    async with gate(both, keyauth_credentials=keys, **TABLE) as place:
        found = await place.ask(headers={"apikey": "of ann"})
        assert found.status == 401
        assert found.headers["www-authenticate"].startswith("Basic realm")
        found = await place.ask(headers={"apikey": "of ann", "authorization": BOB})
        assert found.header("x-consumer-username") == "bob"
    either = {name: {"anonymous": number("guest")} for name in both}
    async with gate(either, keyauth_credentials=keys, **TABLE) as place:
        for headers, username in (
            ({}, "guest"),
            ({"apikey": "of ann"}, "ann"),
            ({"authorization": BOB}, "bob"),
            ({"apikey": "wrong", "authorization": BOB}, "bob"),
            ({"apikey": "of ann", "authorization": basic("bob:wrong")}, "ann"),
        ):
            found = await place.ask(headers=headers)
            assert found.header("x-consumer-username") == username


async def test_the_third_wrong_password_in_a_row_is_a_429_that_says_how_long() -> None:
    config = {"brute_force_protection": {"strategy": "memory"}}
    async with gate({"basic-auth": config}, **TABLE) as place:
        wrong = {"authorization": basic("bob:wrong")}
        found = [await place.ask(headers=wrong) for _ in range(3)]
        assert [one.status for one in found] == [401, 401, 429]
        # Nor does the right password pass before the time is over.
        for refused in (found[-1], await place.ask(headers={"authorization": BOB})):
            assert refused.status == 429
            assert 1 <= int(refused.headers["retry-after"]) <= 8
        assert (await place.ask(headers={"authorization": basic("nil:")})).status == 200


def test_a_password_may_come_from_a_vault() -> None:
    row = credential("bob", username="bob", password="{vault://env/BOB}")
    content = table(
        routes=[route("a")],
        plugins=[plugin_row("basic-auth", of="a")],
        consumers=consumers("bob"),
        basicauth_credentials=[row],
    )
    found = compiled_configuration(content, {"BOB": "kong"})
    identity = found.consumers.credentials("basicauth_credentials")[b"bob"]
    assert identity.credential is not None
    assert identity.credential["password"] == stored("kong", "bob")


def handler(**config: Any) -> BasicAuth:
    pool: Any = None
    context = PluginContext(pool, lambda _: None, consumers=Consumers(TABLE))
    return BasicAuth(Config(**config), context)


def test_names_of_strangers_cost_little_and_crowd_out_no_count() -> None:
    plugin = handler(brute_force_protection={"strategy": "memory"})

    def ask(name: bytes) -> int:
        value = b"Basic " + b64encode(name + b":wrong")
        response = plugin.access(request_of(headers=[(b"authorization", value)]))
        assert isinstance(response, Response)
        return response.status

    assert [ask(b"bob"), ask(b"bob")] == [401, 401]
    for index in range(100):
        assert ask(b"%d" % index + b"\xff" * 5000) == 401
    known, strangers = (plugin._guards[one]._failures._counters for one in (True, False))
    assert len(known) == 1
    assert len(strangers) == 100
    assert all(len(origin) == 32 for origin in strangers)
    assert ask(b"bob") == 429


PLUGIN = handler()
TEXTS = st.one_of(
    st.binary(max_size=40),
    st.binary(max_size=30).map(lambda text: b"Basic " + b64encode(text)),
    st.sampled_from([b"bob", b"bob:", b"b:kong", b"bob:kon", b"bob:kongx"]).map(
        lambda text: b"basic" + b64encode(text)
    ),
)
HEADERS = st.lists(st.tuples(st.sampled_from([b"authorization", b"proxy-authorization"]), TEXTS))


@settings(max_examples=50)
@given(HEADERS)
def test_no_header_is_an_error_or_a_way_in(headers: list[tuple[bytes, bytes]]) -> None:
    if any(b64encode(b"bob:kong") in value or b64encode(b"nil:") in value for _, value in headers):
        return
    response = PLUGIN.access(request_of(headers=headers))
    assert isinstance(response, Response)
    assert response.status == 401
