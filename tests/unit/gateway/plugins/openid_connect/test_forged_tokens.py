# SPDX-License-Identifier: Apache-2.0
"""Tokens that were changed or forged: none passes, and none is an error."""

from __future__ import annotations

import asyncio
from time import time
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.plugins.tokens import jose
from tests.support.openid import passes, run, shown, subject
from tests.support.tokens import encoded

NOW = int(time())


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 1 << 62) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
HEADER_NAMES = st.sampled_from(["kid", "typ", "crit", "b64", "jwk", "jku", "x5c", "cty", "zip"])


@settings(max_examples=20)
@given(data=st.data())
def test_no_forged_or_changed_token_passes_and_none_is_an_error(data: st.DataObject) -> None:
    async def forge() -> None:
        async with subject() as s:
            handler = s.handler(client_id=["a"], client_secret=["secret of a client"])
            good = s.provider.token()
            await passes(handler, shown(good))
            for _ in range(10):
                token = data.draw(st.one_of(changed(good), forged(s.provider.url)))
                request = shown(token)
                if await run(handler, request) is None:
                    # The same text in another spelling of base64url is the same token.
                    parsed, whole = jose.parse(token), jose.parse(good)
                    assert isinstance(parsed, jose.Jws)
                    assert isinstance(whole, jose.Jws)
                    assert parsed.signature == whole.signature
                    assert parsed.signed == whole.signed

    asyncio.run(forge())


def changed(token: bytes) -> st.SearchStrategy[bytes]:
    """Give a token with one byte changed, cut, doubled or moved."""
    place = st.integers(0, len(token) - 1)
    return st.one_of(
        st.builds(
            lambda i, b: token[:i] + bytes([b]) + token[i + 1 :], place, st.integers(33, 126)
        ),
        st.builds(lambda i: token[:i], place),
        st.builds(lambda i: token[:i] + token[i - 1 :], place),
        st.builds(lambda i: b".".join(token.split(b".")[::-1])[i:], st.integers(0, 3)),
    )


def forged(issuer: str) -> st.SearchStrategy[bytes]:
    """Give a token of our own making, with any algorithm and any header."""
    claims = {"iss": issuer, "sub": "user", "exp": NOW + 90_000}

    def make(algorithm: Any, header: dict[str, Any], signature: bytes) -> bytes:
        head = {"kid": "key 0", **header, "alg": algorithm}
        return b".".join(map(encoded, (head, claims, signature)))

    algorithms = st.sampled_from(["none", "None", "", "HS256", "RS256", "ES256", "dir", None, 7])
    headers = st.dictionaries(HEADER_NAMES, JSON_VALUES, max_size=3)
    return st.builds(make, algorithms, headers, st.binary(max_size=80))
