# SPDX-License-Identifier: Apache-2.0
"""A provider that changes its keys, makes no sense, is gone or silent."""

from __future__ import annotations

import asyncio
from time import time

import pytest
from aiohttp import web

from tests.support.openid import passes, refused, run, shown, subject
from tests.support.tokens import public_jwk, signed


async def test_a_new_key_is_fetched_once_and_an_old_one_counts_no_more() -> None:
    async with subject() as s:
        handler = s.handler(rediscovery_lifetime=0)
        old = s.provider.token()
        await passes(handler, shown(old))
        s.provider.number, s.provider.published = 1, [1]
        new = s.provider.token()
        await passes(handler, shown(new))
        # What the old key has signed was known; it is looked at anew.
        await refused(handler, shown(old))
        await passes(handler, shown(new))


@pytest.mark.parametrize("header", [{"kid": "always"}, {}])
async def test_a_new_key_counts_under_the_id_of_the_old_one_or_under_none(
    header: dict[str, str],
) -> None:
    async with subject() as s:
        claims = {"iss": s.provider.url, "sub": "user", "exp": int(time()) + 90_000}
        old, new = (signed(claims, "RS256", header=header, number=n) for n in (0, 1))
        handler = s.handler(rediscovery_lifetime=0)
        s.provider.key_set = [public_jwk("RS256", 0, **header)]
        await passes(handler, shown(old))
        await refused(handler, shown(new))
        s.provider.key_set = [public_jwk("RS256", 1, **header)]
        await passes(handler, shown(new))
        await refused(handler, shown(old))


async def test_a_key_without_an_id_may_have_signed_any_token() -> None:
    async with subject() as s:
        s.provider.key_set = [public_jwk("RS256", 0), public_jwk("RS256", 1, kid="key 1")]
        handler = s.handler()
        for kid in ("key 0", "another", "key 1", None):
            claims = {"iss": s.provider.url, "sub": str(kid), "exp": int(time()) + 90_000}
            token = signed(claims, "RS256", header={} if kid is None else {"kid": kid})
            await passes(handler, shown(token))
        # The other key has an id, and signs under that only.
        claims = {"iss": s.provider.url, "sub": "user", "exp": int(time()) + 90_000}
        await passes(handler, shown(signed(claims, "RS256", header={"kid": "key 1"}, number=1)))
        await refused(handler, shown(signed(claims, "RS256", header={"kid": "key 0"}, number=1)))
        await refused(handler, shown(signed(claims, "RS256", header={"kid": "key 0"}, number=2)))


async def test_of_keys_with_one_id_each_may_have_signed() -> None:
    async with subject() as s:
        s.provider.key_set = [
            public_jwk("RS256", 1, kid="key 0"),
            public_jwk("ES256", 0, kid="key 0"),
            public_jwk("RS256", 0, kid="key 0"),
        ]
        handler = s.handler()
        claims = {"iss": s.provider.url, "sub": "user", "exp": int(time()) + 90_000}
        for number in (0, 1):
            token = signed(claims, "RS256", header={"kid": "key 0"}, number=number)
            await passes(handler, shown(token))


async def test_unknown_keys_do_not_flood_the_provider() -> None:
    async with subject() as s:
        handler = s.handler()
        await passes(handler, shown(s.provider.token()))
        before = len(s.provider.asked)
        tokens = [s.provider.token(number=9, sub=str(n)) for n in range(30)]
        # Nor does a wrong signature by the name of a known one.
        tokens += [s.provider.token(sub=str(n))[:-8] + b"forgedAA" for n in range(30)]
        await asyncio.gather(*(refused(handler, shown(token)) for token in tokens))
        assert len(s.provider.asked) == before


async def test_handlers_with_equal_settings_share_what_the_provider_says() -> None:
    async with subject() as s:
        token = s.provider.token()
        for _ in range(3):
            await passes(s.handler(scopes_required=None), shown(token))
        kept = [s.handler() for _ in range(3)]
        await asyncio.gather(*(run(handler, shown(token)) for handler in kept))
        assert len(s.provider.asked) <= 8


async def test_keys_of_further_sets_count() -> None:
    async with subject() as s, subject() as other:
        other.provider.number, other.provider.published = 3, [3]
        token = other.provider.token()
        extra = {"extra_jwks_uris": [f"{other.provider.url}/keys"]}
        await refused(s.handler(**extra), shown(token))
        allowed = {"issuers_allowed": [other.provider.url]}
        await passes(s.handler(**extra, **allowed), shown(token))
        await refused(s.handler(**allowed), shown(token))
        pseudo = {"using_pseudo_issuer": True, "issuer": "https://name.test", **extra}
        await passes(s.handler(**pseudo), shown(other.provider.token(iss="https://name.test")))
        # One set that is gone takes no others along.
        gone = {"extra_jwks_uris": [f"{other.provider.url}/nothing"]}
        await passes(s.handler(**gone), shown(s.provider.token()))


@pytest.mark.parametrize(
    "broken",
    [
        web.Response(status=500),
        web.Response(body=b"not JSON"),
        web.Response(body=b"[]"),
        web.Response(body=b"{}"),
        web.Response(body=b'{"jwks_uri": 7}'),
        web.Response(body=b'{"keys": "none", "jwks_uri": "nonsense"}'),
        web.Response(status=302, headers={"Location": "/"}),
        web.Response(body=b"x" * 3_000_000),
    ],
)
async def test_a_provider_that_makes_no_sense_lets_nobody_pass_and_recovers(
    broken: web.Response,
) -> None:
    async with subject() as s:
        handler = s.handler(rediscovery_lifetime=0)
        token = s.provider.token()
        s.provider.broken = broken
        await refused(handler, shown(token))
        await refused(handler, shown(token))
        s.provider.broken = None
        for _ in range(300):
            if await run(handler, shown(token)) is None:
                return
            await asyncio.sleep(0.05)
        raise AssertionError("it did not recover")


async def test_known_keys_serve_while_the_provider_is_gone() -> None:
    async with subject() as s:
        handler = s.handler(cache_ttl=0.001, rediscovery_lifetime=0)
        await passes(handler, shown(s.provider.token(sub="a")))
        s.provider.broken = web.Response(status=503)
        for number in range(5):
            await passes(handler, shown(s.provider.token(sub=str(number))))
        # A token that needs a new key is refused, not an error.
        await refused(handler, shown(s.provider.token(number=5)))


async def test_a_silent_provider_costs_one_timeout() -> None:
    async with subject() as s:
        s.provider.gate = asyncio.Event()
        handler = s.handler(timeout=1000)
        token = s.provider.token()
        await asyncio.gather(*(refused(handler, shown(token)) for _ in range(50)))
        await refused(handler, shown(token))
        assert len(s.provider.asked) == 1
        s.provider.gate.set()
