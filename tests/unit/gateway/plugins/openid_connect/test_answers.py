# SPDX-License-Identifier: Apache-2.0
"""What callers get over HTTP, and what an upstream gets of them; the provider runs beside them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import time
from typing import Any

import pytest

from tests.support.fake_openid_provider import FakeOpenIdProvider, openid_provider
from tests.support.gates import Answer, Gate, consumers, gate
from tests.support.tokens import encoded, public_pem, signed, unsigned

CLIENT = {"client_id": ["app"], "client_secret": ["app-secret"]}
CONSUMERS: dict[str, Any] = {"consumers": consumers("bob", "guest")}
FORM = ("Content-Type", "application/x-www-form-urlencoded")


class Place:
    """A gateway with one route, and the provider of its tokens."""

    def __init__(self, provider: FakeOpenIdProvider, client: Gate) -> None:
        self.provider = provider
        self.ask = client.ask
        self.claims = {"iss": provider.url, "sub": "user", "exp": int(time()) + 300}

    async def show(self, token: bytes, *more: tuple[str, str | bytes]) -> Answer:
        """Show a token, for the second time too: a known one gets what a new one gets."""
        headers = [("Authorization", b"Bearer " + token), *more]
        first, again = await self.ask(headers=headers), await self.ask(headers=headers)
        assert again.status == first.status
        return again

    async def token_passes(self, token: bytes, *more: tuple[str, str | bytes]) -> Answer:
        """Return what passed, with the token as an upstream gets it."""
        found = await self.show(token, *more)
        assert found.status == 200, found
        assert found.header("authorization") == f"Bearer {token.decode()}"
        return found


@asynccontextmanager
async def place(**config: Any) -> AsyncIterator[Place]:
    async with openid_provider() as provider:
        given = {"issuer": provider.url, "auth_methods": ["bearer"], **config}
        async with gate({"openid-connect": given}, **CONSUMERS) as client:
            yield Place(provider, client)


def unauthorized(found: Answer, code: str = ', error="invalid_token"') -> None:
    assert (found.status, found.body) == (401, {"message": "Unauthorized"})
    assert found.headers["www-authenticate"] == f'Bearer realm="127.0.0.1"{code}'


def forbidden(found: Answer) -> None:
    assert (found.status, found.body) == (403, {"message": "Forbidden"})


async def test_a_token_of_the_issuer_goes_on_to_the_upstream() -> None:
    async with place() as at:
        await at.token_passes(at.provider.token())
        unauthorized(await at.ask(), code="")


async def test_a_key_of_another_set_signs_for_no_issuer_that_is_not_allowed() -> None:
    async with openid_provider() as other:
        other.number, other.published = 3, [3]
        token = other.token()
        sets = [f"{other.url}/keys"]
        async with place(extra_jwks_uris=sets, issuers_allowed=["https://x.test"]) as at:
            unauthorized(await at.show(token))
        async with place(extra_jwks_uris=sets, issuers_allowed=[other.url]) as at:
            await at.token_passes(token)


@pytest.mark.parametrize("slash", ["", "/", "/.well-known/openid-configuration"])
async def test_the_issuer_of_tokens_is_as_the_provider_names_itself(slash: str) -> None:
    async with openid_provider() as provider:
        config = {"issuer": provider.url + slash, "auth_methods": ["bearer"]}
        async with gate({"openid-connect": config}, **CONSUMERS) as client:
            at = Place(provider, client)
            await at.token_passes(provider.token())
            unauthorized(await at.show(provider.token(iss=provider.url + "/")))


def by_public_key(claims: dict[str, Any], secret: str) -> bytes:
    """Sign with what is public, which libraries for tokens refuse to do."""
    text = encoded({"alg": "HS256", "kid": "key 0"}) + b"." + encoded(claims)
    return text + b"." + encoded(hmac.new(secret.encode(), text, hashlib.sha256).digest())


async def test_a_secret_signs_only_where_that_is_enabled_and_a_public_key_never() -> None:
    public = public_pem("RS256")
    for enabled in (False, True):
        async with place(**CLIENT, enable_hs_signatures=enabled) as at:
            token = signed(at.claims, "HS256", secret="app-secret")
            if enabled:
                await at.token_passes(token)
            else:
                unauthorized(await at.show(token))
            for secret in (public, public.strip(), at.provider.url):
                unauthorized(await at.show(by_public_key(at.claims, secret)))


async def test_no_algorithm_is_no_signature_whatever_is_verified() -> None:
    for verifies in (True, False):
        async with place(verify_signature=verifies) as at:
            for name in ("none", "None", "NONE"):
                unauthorized(await at.show(unsigned(at.claims, name)))


async def test_a_key_id_need_not_be_there_and_another_is_of_no_key() -> None:
    async with place() as at:
        await at.token_passes(signed(at.claims, "RS256"))
        await at.token_passes(signed(at.claims, "RS256", header={"kid": 7}))
        unauthorized(await at.show(signed(at.claims, "RS256", header={"kid": "gone"})))
        unauthorized(await at.show(signed(at.claims, "RS256", header={"kid": ""})))


@pytest.mark.parametrize(
    ("late", "leeway", "passes"),
    [(0, 0, False), (5, 3600, True), (70, 60, False), (-300.5, 0, True), (-(10**17), 0, True)],
)
async def test_a_token_ends_when_it_says_and_leeway_is_added(
    late: float, leeway: int, passes: bool
) -> None:
    async with place(leeway=leeway) as at:
        token = at.provider.token(exp=int(time()) - late)
        if passes:
            await at.token_passes(token)
        else:
            unauthorized(await at.show(token))


AUDIENCES: list[tuple[Any, list[str], bool]] = [
    ("me", ["me"], True),
    (["you", "me"], ["x", "me"], True),
    (["me", None, {"x": 1}], ["me"], True),
    ("me you", ["you"], True),
    (7, ["7"], True),
    (7, ["8"], False),
    (True, ["true"], True),
    (None, ["me"], False),
    ([], ["me"], False),
    ({"me": 1}, ["me"], False),
    ("me", ["ME"], False),
]


@pytest.mark.parametrize(("audience", "required", "passes"), AUDIENCES)
async def test_an_audience_is_a_text_a_list_or_a_number(
    audience: Any, required: list[str], passes: bool
) -> None:
    async with place(audience_required=required) as at:
        token = at.provider.token(aud=audience)
        if passes:
            await at.token_passes(token)
        else:
            forbidden(await at.show(token))


async def test_all_words_of_a_required_scope_must_be_there() -> None:
    async with place(scopes_required=["openid email"]) as at:
        await at.token_passes(at.provider.token(scope="profile email openid"))
        await at.token_passes(at.provider.token(scope=["openid", "email"]))
        for scope in ("openid", "openid,email", "", None):
            found = await at.show(at.provider.token(scope=scope))
            forbidden(found)
            wanted = 'Bearer realm="127.0.0.1", error="insufficient_scope"'
            assert found.headers["www-authenticate"] == wanted


async def test_groups_may_stand_deep_in_the_claims() -> None:
    config = {"groups_claim": ["user", "groups"], "groups_required": ["employee"]}
    async with place(**config) as at:
        await at.token_passes(at.provider.token(user={"groups": ["employee"]}))
        for user in ({}, {"groups": ["guest"]}, "employee", None):
            forbidden(await at.show(at.provider.token(user=user, groups=["employee"])))


async def test_a_consumer_that_is_not_there_may_not_matter() -> None:
    by_name = {"consumer_claims": [["preferred_username"]]}
    forged = [("X-Consumer-ID", "evil"), ("X-Consumer-Username", "evil"), ("X_Consumer_ID", "evil")]
    async with place(**by_name, consumer_optional=True) as at:
        for name in ("alex", None):
            token = at.provider.token(preferred_username=name)
            found = await at.token_passes(token, *forged)
            assert found.request is not None
            assert not [name for name in found.request["headers"] if "consumer" in name]
    async with place(**by_name) as at:
        found = await at.token_passes(at.provider.token(preferred_username="bob"))
        assert found.header("x-consumer-username") == "bob"
        forbidden(await at.show(at.provider.token(preferred_username="alex")))
        forbidden(await at.show(at.provider.token()))
    async with place(**by_name, anonymous="guest") as at:
        for token in (at.provider.token(), at.provider.token(preferred_username="alex"), b"x"):
            found = await at.show(token)
            assert found.header("x-consumer-username") == "guest"
            assert found.header("x-anonymous-consumer") == "true"


async def test_a_header_of_a_claim_is_never_the_clients() -> None:
    config = {"upstream_headers": [{"header": "X-User", "path": ["preferred_username"]}]}
    async with place(**config) as at:
        found = await at.token_passes(at.provider.token(), ("X-User", "evil"), ("x_user", "evil"))
        assert (found.header("x-user"), found.header("x_user")) == (None, None)
        token = at.provider.token(preferred_username="alex")
        found = await at.token_passes(token, ("X-User", "evil"))
        assert found.header("x-user") == "alex"


async def test_an_inactive_token_passes_only_where_that_is_not_looked_at() -> None:
    config = {"auth_methods": ["introspection"], **CLIENT}
    for looks in (True, False):
        async with place(**config, introspection_check_active=looks) as at:
            at.provider.active["opaque"] = {"active": False, "sub": "user"}
            if looks:
                unauthorized(await at.show(b"opaque"))
            else:
                await at.token_passes(b"opaque")


async def test_a_bound_token_without_its_proof_is_unauthorized() -> None:
    async with place(proof_of_possession_dpop="strict") as at:
        token = at.provider.token(cnf={"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"})
        unauthorized(await at.show(token))
        unauthorized(await at.ask(headers=[("Authorization", b"DPoP " + token)]))
        unauthorized(await at.show(at.provider.token()))


async def test_tokens_count_where_they_are_looked_for_and_the_first_decides() -> None:
    async with place() as at:
        token = at.provider.token()
        text = token.decode()
        query = f"/gate?access_token={text}&a=1"
        for found in (
            await at.ask(query),
            await at.ask(headers=[FORM], method="POST", body=b"a=1&access_token=" + token),
            await at.ask(headers=[("authorization", f"bearer {text}")]),
        ):
            assert (found.status, found.header("authorization")) == (200, f"Bearer {text}")
        unauthorized(await at.ask(query, [("Authorization", "Bearer bad")]))
        # Which of two would count is for nobody to find out (Kong, issue 2085).
        both = [("Authorization", "Bearer bad"), ("Authorization", f"Bearer {text}")]
        for headers in (both, both[::-1], both[1:] * 2):
            assert (await at.ask(headers=headers)).status == 400
        unauthorized(await at.ask(headers=[("Authorization", text)]), code="")
        unauthorized(await at.ask(headers=[("Cookie", f"access_token={text}")]), code="")
    async with place(bearer_token_param_type=["header"]) as at:
        token = at.provider.token()
        unauthorized(await at.ask(f"/gate?access_token={token.decode()}"), code="")
        body = b"access_token=" + token
        unauthorized(await at.ask(headers=[FORM], method="POST", body=body), code="")
