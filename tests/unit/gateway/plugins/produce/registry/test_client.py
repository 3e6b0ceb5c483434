# SPDX-License-Identifier: Apache-2.0
"""Fetching and keeping schemas: from a stand-in registry, over real sockets."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import orjson
import pytest
import uvloop

from gateway.errors import SchemaUnusable
from gateway.plugins.produce.registry.client import KeptSchema, Registry, RegistryPool
from gateway.plugins.produce.registry.serializer import Serializer
from gateway.plugins.produce.registry.settings import ConfluentRegistry
from tests.support.registry import FakeRegistry, registry
from tests.support.waiting import PATIENCE

T = TypeVar("T")

OAUTH = {"client_id": "me", "client_secret": "s3cret", "audience": ["registry"]}


def run(job: Callable[[FakeRegistry], Awaitable[T]]) -> T:
    async def main() -> T:
        async with registry() as fake:
            return await job(fake)

    return uvloop.run(main())


def client(fake: FakeRegistry, **config: Any) -> Registry:
    return Registry(
        ConfluentRegistry(**{"url": fake.url, **config}), None, asyncio.get_running_loop()
    )


def authenticated(fake: FakeRegistry, oauth: Any = None, **more: Any) -> Registry:
    """Return a client that proves itself with tokens of the stand-in."""
    block = {"token_endpoint": f"{fake.url}/token", **OAUTH, **(oauth or {})}
    return client(fake, authentication={"mode": "oauth2", "oauth2": block, **more})


async def fetched(kept: KeptSchema) -> Serializer:
    found = await kept.fetch()
    assert isinstance(found, Serializer), found
    return found


async def refused(kept: KeptSchema) -> str:
    found = await kept.fetch()
    assert isinstance(found, SchemaUnusable)
    return found.detail


def test_a_version_or_the_latest_is_fetched_by_its_subject() -> None:
    async def job(fake: FakeRegistry) -> list[bytes]:
        fake.register("a/b c", "int")
        fake.register("a/b c", "string")
        made = client(fake, url=f"{fake.url}/")
        kept = [made.schema("a/b c", version, simple=False) for version in ("1", "latest")]
        return [(await fetched(one)).key(b"12") for one in kept]

    assert run(job) == [b"\0\0\0\0\1\x18", b"\0\0\0\0\2\x0412"]


def test_what_a_schema_refers_to_is_fetched_first() -> None:
    async def job(fake: FakeRegistry) -> bytes:
        leaf = {"type": "record", "name": "Leaf", "fields": [{"name": "n", "type": "int"}]}
        fields = [{"name": "leaf", "type": "Leaf"}]
        fake.register("leaf", leaf)
        references = [("Branch", "branch", 1), ("Leaf", "leaf", 1)]
        fake.register(
            "branch", {"type": "record", "name": "Branch", "fields": fields}, "AVRO", references[1:]
        )
        fields = [{"name": "b", "type": "Branch"}]
        fake.register(
            "tree", {"type": "record", "name": "Tree", "fields": fields}, "AVRO", references[:1]
        )
        kept = client(fake).schema("tree", "latest", simple=False)
        return (await fetched(kept)).value(b'{"b": {"leaf": {"n": 1}}}')

    assert run(job) == b"\0\0\0\0\3\x02"


def test_a_schema_is_kept_for_its_time_and_fetched_once_for_all_who_wait() -> None:
    async def job(fake: FakeRegistry) -> None:
        fake.register("s", "string")
        kept = client(fake).schema("s", "latest", simple=False)
        await asyncio.gather(*(fetched(kept) for _ in range(20)))
        assert kept.ready() is not None
        assert len(fake.asked) == 1
        never = client(fake, ttl=0).schema("s", "latest", simple=False)
        await fetched(never)
        assert never.ready() is None

    run(job)


def test_a_schema_that_grows_old_is_fetched_again_while_it_is_used() -> None:
    async def job(fake: FakeRegistry) -> None:
        fake.register("s", "string")
        kept = client(fake, ttl=0.5).schema("s", "latest", simple=False)
        first = await fetched(kept)
        fake.register("s", "int")
        async with asyncio.timeout(PATIENCE):
            while True:
                used = kept.ready() or await fetched(kept)
                if used is not first:
                    break
                await asyncio.sleep(0)
        assert used.key(b"1") == b"\0\0\0\0\2\x02"

    run(job)


def test_after_a_failure_nobody_asks_for_a_moment() -> None:
    async def job(fake: FakeRegistry) -> None:
        kept = client(fake).schema("nothing", "latest", simple=False)
        assert "404" in await refused(kept)
        for _ in range(100):
            with pytest.raises(SchemaUnusable, match="404"):
                kept.ready()
        assert len(fake.asked) == 1

    run(job)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"not JSON", "JSON"),
        (b"[]", "no JSON object"),
        (b'{"id": 1}', "lacks 'schema'"),
        (b'{"id": 1, "schema": "{}", "schemaType": "AVRO"}', "no Avro schema"),
        (b'{"id": 1, "schema": "x", "schemaType": "PROTOBUF"}', "PROTOBUF"),
    ],
)
def test_an_answer_that_is_no_schema_is_refused(body: bytes, said: str) -> None:
    async def job(fake: FakeRegistry) -> str:
        fake.body = body
        return await refused(client(fake).schema("s", "latest", simple=False))

    assert said in run(job)


def test_a_registry_that_is_not_there_is_told() -> None:
    async def job(fake: FakeRegistry) -> str:
        gone = client(fake, url="http://127.0.0.1:9")
        return await refused(gone.schema("s", "latest", simple=False))

    assert "Cannot connect" in run(job)


def test_a_redirect_is_not_followed() -> None:
    async def job(fake: FakeRegistry) -> str:
        fake.broken = 302
        return await refused(client(fake).schema("s", "latest", simple=False))

    assert "302" in run(job)


def test_user_and_password_are_sent() -> None:
    async def job(fake: FakeRegistry) -> None:
        fake.register("s", "string")
        basic = {"username": "me", "password": "pässword"}
        made = client(fake, authentication={"mode": "basic", "basic": basic})
        await fetched(made.schema("s", "latest", simple=False))
        sent = fake.asked[0].headers["Authorization"].removeprefix("Basic ")
        assert base64.b64decode(sent).decode() == "me:pässword"

    run(job)


def test_a_token_is_fetched_once_and_again_when_the_registry_refuses_it() -> None:
    async def job(fake: FakeRegistry) -> None:
        fake.register("s", "string")
        made = authenticated(fake, identity_pool_id="pool-1", logical_cluster_id="lsrc-1")
        await fetched(made.schema("s", "latest", simple=False))
        await fetched(made.schema("s", "1", simple=False))
        headers = fake.asked[-1].headers
        assert headers["Authorization"] == "Bearer token-1"
        assert headers["Confluent-Identity-Pool-Id"] == "pool-1"
        assert headers["target-sr-cluster"] == "lsrc-1"
        form = {name: value for name, value in fake.tokens[0].items() if name != "headers"}
        assert form == {
            "grant_type": "client_credentials",
            "scope": "openid",
            "audience": "registry",
            "client_id": "me",
            "client_secret": "s3cret",
        }
        fake.allowed = lambda request: request.headers["Authorization"] == "Bearer token-2"
        await fetched(made.schema("s", "latest", simple=True))
        assert len(fake.tokens) == 2

    run(job)


def test_a_signed_assertion_proves_the_client_with_the_password_grant() -> None:
    async def job(fake: FakeRegistry) -> None:
        fake.register("s", "string")
        oauth = {"grant_type": "password", "username": "ann", "password": "pw"}
        how = {"auth_method": "client_secret_jwt", "client_secret_jwt_alg": "HS256"}
        made = authenticated(fake, oauth, oauth2_client=how)
        await fetched(made.schema("s", "latest", simple=False))
        form = fake.tokens[0]
        assert (form["grant_type"], form["username"], form["password"]) == ("password", "ann", "pw")
        assert "client_secret" not in form
        signed, _, signature = form["client_assertion"].rpartition(".")
        wanted = hmac.digest(b"s3cret", signed.encode(), hashlib.sha256)
        assert base64.urlsafe_b64decode(signature + "=") == wanted
        claims = orjson.loads(base64.urlsafe_b64decode(signed.split(".")[1] + "=="))
        assert (claims["iss"], claims["aud"]) == ("me", f"{fake.url}/token")

    run(job)


def test_the_secret_goes_into_a_header_where_that_is_asked() -> None:
    async def job(fake: FakeRegistry) -> None:
        fake.register("s", "string")
        oauth = {"token_headers": {"X-Tenant": "t"}, "token_post_args": {"resource": "r"}}
        made = authenticated(fake, oauth, oauth2_client={"auth_method": "client_secret_basic"})
        await fetched(made.schema("s", "latest", simple=False))
        form = fake.tokens[0]
        assert (
            form["headers"]["Authorization"] == "Basic " + base64.b64encode(b"me:s3cret").decode()
        )
        assert (form["headers"]["X-Tenant"], form["resource"]) == ("t", "r")
        assert "client_secret" not in form

    run(job)


def test_plugins_of_equal_settings_share_a_registry_until_the_last_is_gone() -> None:
    async def job(fake: FakeRegistry) -> None:
        pool = RegistryPool(asyncio.get_running_loop())
        plain = ConfluentRegistry(url=fake.url)
        other = ConfluentRegistry(url=fake.url, ttl=1)
        first, release = pool.get(plain, None)
        again, release_again = pool.get(plain.model_copy(), None)
        assert again is first
        assert pool.get(other, None)[0] is not first
        release()
        assert pool.get(plain, None)[0] is first
        release()
        release_again()
        assert pool.get(plain, None)[0] is not first

    run(job)
