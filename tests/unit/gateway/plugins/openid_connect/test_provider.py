# SPDX-License-Identifier: Apache-2.0
"""What a provider publishes: how it is asked, and which key is meant."""

from __future__ import annotations

import gc
from dataclasses import replace

import pytest

from gateway.errors import OutgoingError
from gateway.outgoing.client import HttpClient
from gateway.plugins.openid_connect.provider import (
    OpenIdProvider,
    ProviderKeys,
    ProviderSettings,
    Reaching,
)
from tests.support.fake_openid_provider import openid_provider
from tests.support.tokens import public_jwk


async def test_the_issuer_is_an_identifier_or_the_url_of_the_document() -> None:
    async with openid_provider() as fake, HttpClient() as http:
        for issuer in (fake.url, f"{fake.url}/", f"{fake.url}/.well-known/openid-configuration"):
            found = await OpenIdProvider.of(ProviderSettings(issuer), http).get()
            assert (found.issuer, len(found.keys.rows)) == (fake.url, 1)


async def test_a_name_is_not_asked() -> None:
    async with openid_provider() as fake, HttpClient() as http:
        settings = ProviderSettings("https://n.test", discovers=False, keys=f"{fake.url}/keys")
        found = await OpenIdProvider.of(settings, http).get()
        assert (found.issuer, found.document) == ("https://n.test", {})
        assert fake.asked == ["/keys"]


async def test_headers_go_to_the_discovery_alone() -> None:
    async with openid_provider() as fake, HttpClient() as http:
        settings = ProviderSettings(fake.url, headers=(("X-Key", "secret"),))
        await OpenIdProvider.of(settings, http).get()
        assert [head.get("X-Key") for head in fake.heads] == ["secret", None]
        assert "secret" not in repr(settings)


async def test_equal_settings_are_one_provider_while_it_is_used() -> None:
    async with HttpClient() as http, HttpClient() as other:
        settings = ProviderSettings("https://login.test")
        one = OpenIdProvider.of(settings, http)
        assert OpenIdProvider.of(replace(settings), http) is one
        assert OpenIdProvider.of(settings, other) is not one
        different = replace(settings, reaching=Reaching(verify=False))
        assert OpenIdProvider.of(different, http) is not one
        seen = id(one)
        del one
        gc.collect()
        again = OpenIdProvider.of(settings, http)
        assert again.current() is None
        assert seen


async def test_a_provider_that_is_gone_is_named() -> None:
    async with openid_provider() as fake:
        url = fake.url
    async with HttpClient() as http:
        with pytest.raises(OutgoingError, match=url):
            await OpenIdProvider.of(ProviderSettings(url), http).get()


def test_a_key_is_found_by_its_id_and_algorithm() -> None:
    keys = ProviderKeys(
        [
            public_jwk("RS256", 0, kid="a"),
            public_jwk("ES256", 0, kid="a"),
            public_jwk("RS256", 1, kid="b"),
            {"kty": "oct", "k": "AAAA", "kid": "s"},
            {"kid": "broken"},
            {"kty": "RSA", "kid": "broken", "n": 7},
        ]
    )
    counts = {
        (kid, algorithm): len(keys.candidates(kid, algorithm))
        for kid in ("a", "b", "s", "broken", "none", None)
        for algorithm in ("RS256", "ES256", "HS256")
    }
    assert {place: count for place, count in counts.items() if count} == {
        ("a", "RS256"): 1,
        ("a", "ES256"): 1,
        ("b", "RS256"): 1,
        (None, "RS256"): 2,
        (None, "ES256"): 1,
    }
