# SPDX-License-Identifier: Apache-2.0
"""How the gateway proves itself to a provider, and as whom."""

from __future__ import annotations

from typing import Any

import pytest
from joserfc import jwt

from gateway.errors import OutgoingError, ReleaseRefused
from gateway.plugins.openid_connect.clients import Clients, Proof
from gateway.plugins.openid_connect.schema import Config
from gateway.plugins.tokens import jose
from tests.support.requests import request_of
from tests.support.tokens import private_key

URL = "https://login.test/introspect"
PAIR = ("certificate", "key")


def clients(**config: Any) -> Clients:
    given = {"issuer": "https://login.test", "client_id": ["a", "b", "c"], **config}
    return Clients(Config.model_validate(given), lambda number: PAIR if "1" in number else None)


@pytest.mark.parametrize(
    ("target", "headers", "chosen"),
    [
        (b"/", [], "a"),
        (b"/?client_id=b", [], "b"),
        (b"/?client_id=3", [], "c"),
        (b"/?client_id=4", [], "a"),
        (b"/?client_id=%ff", [], "a"),
        (b"/", [(b"client-id", b"c")], "c"),
    ],
)
def test_a_request_may_choose_the_client(
    target: bytes, headers: list[tuple[bytes, bytes]], chosen: str
) -> None:
    found = clients().choose(request_of(target, headers=headers))
    assert found is not None
    assert found.id == chosen


def test_without_clients_there_is_none() -> None:
    assert clients(client_id=None).choose(request_of()) is None


def test_the_ways_to_prove_oneself() -> None:
    secrets = {"client_secret": ["s" * 32, "secret of b"]}
    named = (("client_id", "b"),)
    number = "10000000-0000-4000-8000-000000000000"
    two = clients(**secrets, tls_client_auth_cert_id=number).all[1]
    assert two.proof(URL, "client_secret_basic", None).headers[0][1].startswith("Basic ")
    posted = two.proof(URL, "client_secret_post", None)
    assert posted == Proof(form=(*named, ("client_secret", "secret of b")))
    assert two.proof(URL, "none", PAIR) == Proof(form=named)
    assert two.proof(URL, "tls_client_auth", PAIR) == Proof(form=named, certificate=PAIR)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA", "PS256"])
def test_an_assertion_is_signed_with_the_private_key(algorithm: str) -> None:
    key = private_key(algorithm)
    row = {k: v for k, v in key.as_dict(private=True).items() if k != "kid"}
    found = clients(client_jwk=[{**row, "alg": algorithm}]).all[0]
    assert found.method == "private_key_jwt"
    form = dict(found.proof(URL, None, None).form)
    jws = jose.parse(form["client_assertion"].encode())
    assert isinstance(jws, jose.Jws)
    assert jose.is_signed(jws, key)
    assert (jws.algorithm, jws.claims["iss"], jws.claims["aud"]) == (algorithm, "a", URL)
    again = dict(found.proof(URL, None, None).form)
    assert again["client_assertion"] != form["client_assertion"]


def test_an_assertion_may_be_signed_with_the_secret() -> None:
    found = clients(
        client_secret=["s" * 64], client_auth=["client_secret_jwt"], client_alg=["HS512"]
    ).all[0]
    assertion = dict(found.proof(URL, None, None).form)["client_assertion"]
    from joserfc import jwk

    assert jwt.decode(assertion, jwk.OctKey.import_key("s" * 64), ["HS512"]).claims["sub"] == "a"


def test_a_key_that_is_missing_or_none_is_an_error_that_shows_no_secret() -> None:
    with pytest.raises(OutgoingError, match="client_jwk"):
        clients(client_auth=["private_key_jwt"]).all[0].proof(URL, None, None)
    broken = clients(client_jwk=[{"kty": "RSA", "d": "hidden"}]).all[0]
    with pytest.raises(OutgoingError) as caught:
        broken.proof(URL, None, None)
    assert "hidden" not in str(caught.value) + repr(broken)


def test_a_certificate_that_is_not_there_refuses_the_release() -> None:
    with pytest.raises(ReleaseRefused, match="is not there"):
        clients(tls_client_auth_cert_id="00000000-0000-4000-8000-000000000000")
