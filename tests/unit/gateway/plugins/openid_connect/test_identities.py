# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from typing import Any

import pytest

from gateway.plugins.consumers import Consumers, Identity
from gateway.plugins.openid_connect.identities import Identities
from gateway.plugins.openid_connect.refusals import Refusals
from gateway.plugins.openid_connect.schema import Config
from tests.support.openid import CONSUMERS, GROUPS


def identity(claims: dict[str, Any], token: bytes = b"token", **config: Any) -> Identity:
    made = Config.model_validate({"issuer": "https://login.test", **config})
    consumers = Consumers({"consumers": CONSUMERS, "consumer_groups": GROUPS})
    found = Identities(made, consumers, Refusals(made)).of(claims, token, None)
    assert isinstance(found, Identity)
    return found


@pytest.mark.parametrize(
    ("claims", "path", "number"),
    [
        ({"sub": "a"}, ["sub"], "a"),
        ({"sub": 7}, ["sub"], "7"),
        ({"u": {"id": "b"}, "sub": "a"}, ["u", "id"], "b"),
        ({"client_id": "c"}, ["sub"], "c"),
        ({"azp": "d", "sub": ""}, ["sub"], "d"),
    ],
)
def test_a_claim_stands_for_the_credential(
    claims: dict[str, Any], path: list[str], number: str
) -> None:
    assert identity(claims, credential_claim=path).credential == {"id": number}


def test_tokens_that_name_nobody_are_not_one_caller() -> None:
    one, other = identity({}, b"one"), identity({}, b"other")
    assert one.credential != other.credential
    assert one.credential is not None
    assert "one" not in one.credential["id"]


def test_the_token_goes_into_the_configured_header() -> None:
    assert (b"authorization", b"Bearer token") in identity({}).headers
    assert (b"x", b"token") in identity({}, upstream_access_token_header="X").headers
    hidden = identity({}, upstream_access_token_header=None).headers
    assert not [pair for pair in hidden if b"token" in pair[1]]
