# SPDX-License-Identifier: Apache-2.0
"""What plugins that authenticate do: pass, pass as anonymous, refuse; alone and together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.entities.credentials import hash_password
from gateway.errors import ReleaseRefused
from gateway.http.messages import Pending, Request, Response
from gateway.plugins.authentication import (
    AuthenticationHandler,
    Denial,
    Found,
    challenge,
    quoted,
)
from gateway.plugins.base import PluginContext
from gateway.plugins.chain import Chain
from gateway.plugins.consumers import Consumers
from tests.support.gates import consumers, credential, gate
from tests.support.http import get, text
from tests.support.policies import policy_gateway
from tests.support.releases import number
from tests.support.requests import request_of

ANN = {"id": "c-ann", "username": "ann", "custom_id": None}
BOB = {"id": "c-bob", "username": "bob", "custom_id": "7"}
GUEST = {"id": "c-guest", "username": "guest", "custom_id": None}
KEYS = [
    {"id": f"k-{name}", "key": name, "consumer": f"c-{name}", "created_at": 0}
    for name in ("ann", "bob")
]
CONSUMERS = Consumers({"consumers": [ANN, BOB, GUEST], "keyauth_credentials": KEYS})


class Settings:
    def __init__(self, **fields: Any) -> None:
        self.anonymous = None
        self.hide_credentials = False
        self.run_on_preflight = True
        self.__dict__.update(fields)


class Word(AuthenticationHandler):
    """Knows who a request is from by one header."""

    name = "word"
    header = b"one"

    def authenticate(self, request: Request) -> Found | Awaitable[Found]:
        word = request.header(self.header)
        if word is None:
            return Denial("Unauthorized", "no word", headers=challenge("Word", "r"), absent=True)
        found = CONSUMERS.credentials("keyauth_credentials").get(word)
        return found or Denial("Unauthorized", "unknown word", headers=challenge("Word", "r"))

    def hide(self, request: Request) -> None:
        request.headers = [pair for pair in request.headers if pair[0] != self.header]


class SlowWord(Word):
    """Has to wait for it."""

    header = b"two"

    def authenticate(self, request: Request) -> Awaitable[Found]:
        found = super().authenticate(request)

        async def wait() -> Found:
            await asyncio.sleep(0)
            assert not isinstance(found, Awaitable)
            return found

        return wait()


def made(kind: type[Word] = Word, **fields: Any) -> Word:
    pool: Any = None
    return kind(Settings(**fields), PluginContext(pool, lambda _: None, consumers=CONSUMERS))


async def run(request: Request, *handlers: Word) -> Response:
    response = Chain(handlers, lambda _: text(200, b"")).run(request)
    return await response if isinstance(response, Pending) else response


def asked(words: Mapping[str, str | None] | None = None, method: bytes = b"GET") -> Request:
    given = (words or {}).items()
    headers = [(name.encode(), word.encode()) for name, word in given if word]
    headers.append((b"x-consumer-id", b"c-forged"))
    return request_of(method=method, headers=headers)


KINDS = pytest.mark.parametrize(("kind", "header"), [(Word, "one"), (SlowWord, "two")])


@KINDS
async def test_who_is_known_passes_with_headers_that_say_so(kind: type[Word], header: str) -> None:
    request = asked({header: "bob"})
    assert (await run(request, made(kind))).status == 200
    assert request.consumer is BOB
    assert dict(request.headers) == {
        header.encode(): b"bob",
        b"x-consumer-id": b"c-bob",
        b"x-consumer-custom-id": b"7",
        b"x-consumer-username": b"bob",
        b"x-credential-identifier": b"k-bob",
    }


@KINDS
async def test_who_is_not_is_refused_and_told_how_to_prove_it(
    kind: type[Word], header: str
) -> None:
    response = await run(asked({header: "eve"}), made(kind))
    assert response.status == 401
    assert isinstance(response.body, bytes)
    assert orjson.loads(response.body) == {"message": "Unauthorized"}
    assert dict(response.headers)[b"WWW-Authenticate"] == b'Word realm="r"'


@KINDS
@pytest.mark.parametrize("word", ["eve", None])
@pytest.mark.parametrize("anonymous", ["guest", "c-guest"])
async def test_with_anonymous_everybody_passes_and_proofs_are_hidden(
    kind: type[Word], header: str, word: str | None, anonymous: str
) -> None:
    request = asked({header: word})
    plugin = made(kind, anonymous=anonymous, hide_credentials=True)
    assert (await run(request, plugin)).status == 200
    assert request.consumer is GUEST
    assert request.credential is None
    assert dict(request.headers) == {
        b"x-consumer-id": b"c-guest",
        b"x-consumer-username": b"guest",
        b"x-anonymous-consumer": b"true",
    }


def test_an_anonymous_consumer_that_is_not_there_refuses_the_release_by_name() -> None:
    with pytest.raises(ReleaseRefused, match="word: there is no consumer 'nobody'"):
        made(anonymous="nobody")


async def test_preflight_requests_pass_untouched_where_they_may() -> None:
    request = asked(method=b"OPTIONS")
    assert (await run(request, made(run_on_preflight=False))).status == 200
    assert request.consumer is None
    assert (await run(request, made())).status == 401
    assert (await run(asked(), made(run_on_preflight=False))).status == 401


WORDS = st.sampled_from([None, "ann", "bob", "eve"])


def expected(one: str | None, two: str | None, either: bool, other: bool) -> str | None:
    """Return the consumer of a request with two proofs, each optional or not; None: refused."""
    consumer, credential = None, False
    for word, optional in ((one, either), (two, other)):
        if optional and credential:
            continue
        if word in ("ann", "bob"):
            consumer, credential = word, True
        elif optional:
            consumer = "guest"
        else:
            return None
    return consumer


@settings(max_examples=50)
@given(WORDS, WORDS, st.booleans(), st.booleans())
def test_two_plugins_want_both_proofs_or_one_of_them(
    one: str | None, two: str | None, either: bool, other: bool
) -> None:
    request = asked({"one": one, "two": two})
    plugins = [
        made(kind, anonymous="guest" if optional else None)
        for kind, optional in ((Word, either), (SlowWord, other))
    ]
    status = asyncio.run(run(request, *plugins)).status
    consumer = expected(one, two, either, other)
    assert status == (401 if consumer is None else 200)
    if consumer is not None:
        assert request.consumer["username"] == consumer
        assert request.header_values(b"x-consumer-username") == [consumer.encode()]
        assert (request.header(b"x-anonymous-consumer") is not None) == (consumer == "guest")


async def test_what_is_neither_identity_nor_denial_lets_nobody_pass() -> None:
    class Broken(Word):
        def authenticate(self, request: Request) -> Any:
            return None

    assert (await run(asked(), made(Broken, anonymous="guest"))).status == 500
    with pytest.raises(NotImplementedError):
        AuthenticationHandler.authenticate(made(), asked())


async def test_the_log_has_the_reason_and_no_proof(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "gateway.authentication")
    await run(asked({"one": "s3cret"}), made())
    await run(asked({"one": "s3cret"}), made(anonymous="guest"))
    await run(asked(), made(anonymous="guest"))
    ours = [one for one in caplog.records if one.name == "gateway.authentication"]
    lines = [record.__dict__["fields"] for record in ours]
    assert [line["reason"] for line in lines] == ["unknown word", "unknown word"]
    assert {line["plugin"] for line in lines} == {"word"}
    assert "s3cret" not in str(lines)


def test_a_realm_cannot_end_its_quotes_or_its_line() -> None:
    assert challenge("Key", None) == ((b"WWW-Authenticate", b"Key"),)
    assert quoted('a"b\\c\r\nd') == "a'b'c  d"


HASH = hash_password("kong", number("bob"))
BASIC = "Basic Ym9iOmtvbmc="
TWO: dict[str, Any] = {
    "consumers": consumers("bob", "guest"),
    "keyauth_credentials": [credential("bob", key="a key", ttl=None)],
    "basicauth_credentials": [credential("bob", username="bob", password=HASH)],
}


@pytest.mark.parametrize(
    ("shown", "username"),
    [(BASIC, "bob"), ("a key", "bob"), ("Basic Ym9iOndyb25n", "guest"), (None, "guest")],
)
async def test_a_proof_that_is_none_for_one_plugin_is_there_for_the_next_and_then_gone(
    shown: str | None, username: str
) -> None:
    common = {"hide_credentials": True, "anonymous": "guest"}
    plugins = {"key-auth": {**common, "key_names": ["authorization"]}, "basic-auth": common}
    async with gate(plugins, **TWO) as place:
        found = await place.ask(headers={} if shown is None else {"authorization": shown})
        assert found.header("x-consumer-username") == username
        assert found.header("authorization") is None


async def test_of_two_plugins_that_want_the_same_proof_both_see_it() -> None:
    keys = [credential("bob", key=BASIC, ttl=None)]
    both: dict[str, Any] = {"hide_credentials": True}
    plugins = {"key-auth": {**both, "key_names": ["authorization"]}, "basic-auth": both}
    async with gate(plugins, **{**TWO, "keyauth_credentials": keys}) as place:
        found = await place.ask(headers={"authorization": BASIC})
        assert found.header("x-credential-identifier") == "bob"
        assert found.header("authorization") is None
        assert (await place.ask(headers={"authorization": "a key"})).status == 401


async def test_proofs_are_hidden_where_plugins_of_a_consumer_run_behind_them() -> None:
    common = {"hide_credentials": True, "anonymous": "guest"}
    plugins = {"key-auth": {**common, "key_names": ["authorization"]}, "basic-auth": common}
    behind = {"request-transformer": {"add": {"headers": ["x-behind:1"]}}}
    async with gate(plugins, **TWO, of_consumers={"bob": behind}) as place:
        found = await place.ask(headers={"authorization": BASIC})
        assert found.header("x-behind") == "1"
        assert found.header("authorization") is None


async def test_nothing_of_a_request_is_left_to_the_next_on_its_connection() -> None:
    policies = [("key-auth", {}), ("rate-limiting", {"year": 100}), ("correlation-id", {})]
    rows: dict[str, Any] = {"consumers": [ANN, BOB], "keyauth_credentials": KEYS}
    left = {"ann": 100, "bob": 100}
    async with policy_gateway(*policies, collections=rows) as gateway:
        wire = await gateway.running.connect()
        ids = set()
        for key in ("ann", "", "bob", "wrong", "ann", "bob", "", "bob"):
            lines = [b"apikey: " + key.encode()] if key else []
            response = await wire.ask(get(b"/", *lines))
            if key not in left:
                assert (response.status, "ratelimit-remaining" in response.headers) == (401, False)
                continue
            left[key] -= 1
            assert response.headers["ratelimit-remaining"] == str(left[key])
            assert gateway.header("x-consumer-username") == [key]
            assert gateway.header("x-credential-identifier") == [f"k-{key}"]
            ids.update(gateway.header("kong-request-id"))
        await wire.close()
    assert (left, len(ids)) == ({"ann": 98, "bob": 97}, 5)
