# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.plugins.openid_connect.rules import Rules
from gateway.plugins.openid_connect.schema import Config

TIMES = st.none() | st.integers(900, 1100)


def rules(**config: Any) -> Rules:
    return Rules(Config.model_validate({"issuer": "https://login.test", **config}))


@settings(max_examples=50)
@given(TIMES, TIMES, TIMES, st.sampled_from([0, 20]), st.integers(900, 1100))
def test_a_token_is_good_in_its_span_and_only_there(
    exp: int | None, nbf: int | None, iat: int | None, leeway: int, later: int
) -> None:
    found = rules(leeway=leeway)
    claims = {"exp": exp, "nbf": nbf, "iat": iat}
    span = found.span(claims, 1000, must_end=False)
    if not span.problem:
        assert span.begins <= 1000 < span.ends
        inside = span.begins <= later < span.ends
        assert inside == (not found.span(claims, later, must_end=False).problem)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
NAMES = st.sampled_from(["exp", "nbf", "iat", "auth_time", "iss", "hd", "scope", "aud", "roles"])


@settings(max_examples=50)
@given(st.dictionaries(NAMES, JSON))
def test_no_claims_raise(claims: dict[str, Any]) -> None:
    found = rules(scopes_required=["a"], roles_required=["b"], domains=["c"], max_age=5)
    found.is_issuer(claims, "https://login.test")
    found.span(claims, 1000, must_end=True)
    assert found.refusal(claims)
