# SPDX-License-Identifier: Apache-2.0
"""Tokens that are bound to a certificate or to a key."""

from __future__ import annotations

import base64
import hashlib
from time import time
from typing import Any

import pytest

from gateway.http.messages import Request
from tests.support.openid import Subject, passes, refused, shown, subject
from tests.support.requests import StandInConnection, request_of
from tests.support.tokens import private_key, public_jwk, signed

CERTIFICATE = b"a certificate in DER"


def url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class WithCertificate(StandInConnection):
    """A connection with TLS on which a client has shown a certificate, or none."""

    def __init__(self, certificate: bytes | None) -> None:
        super().__init__("https")
        self.client_certificate = certificate


def over(token: bytes, certificate: bytes | None) -> Request:
    return request_of(
        headers=[(b"authorization", b"Bearer " + token)], connection=WithCertificate(certificate)
    )


async def test_a_token_counts_only_with_the_certificate_that_it_is_bound_to() -> None:
    async with subject() as s:
        bound = {"cnf": {"x5t#S256": url64(hashlib.sha256(CERTIFICATE).digest())}}
        token, free = s.provider.token(**bound), s.provider.token(sub="free")
        strict = s.handler(proof_of_possession_mtls="strict")
        optional = s.handler(proof_of_possession_mtls="optional")
        for handler in (strict, optional):
            await passes(handler, over(token, CERTIFICATE))
            # Also when the token is known: each request is looked at.
            await refused(handler, over(token, b"another"))
            await refused(handler, over(token, None))
            await passes(handler, over(token, CERTIFICATE))
        await refused(strict, over(free, CERTIFICATE))
        await passes(optional, over(free, None))
        await passes(s.handler(), over(token, None))
        wrongs: list[Any] = [7, None, [], {"a": 1}]
        for wrong in wrongs:
            odd = s.provider.token(cnf={"x5t#S256": wrong})
            await refused(strict, over(odd, CERTIFICATE))
        await refused(strict, over(s.provider.token(cnf="text"), CERTIFICATE))


def proof(token: bytes, algorithm: str = "ES256", number: int = 0, **changes: Any) -> bytes:
    claims = {
        "htm": "GET",
        "htu": "http://api.test/orders",
        "ath": url64(hashlib.sha256(token).digest()),
        "iat": int(time()),
        "jti": f"{time()} {changes}",
    }
    header = {"typ": "dpop+jwt", "jwk": public_jwk(algorithm, number), **changes.pop("header", {})}
    return signed({**claims, **changes}, algorithm, number=number, header=header)


def proven(token: bytes, *proofs: bytes, scheme: bytes = b"DPoP") -> Request:
    head = [(b"host", b"api.test"), (b"authorization", scheme + b" " + token)]
    return request_of(b"/orders?a=b", headers=[*head, *((b"dpop", one) for one in proofs)])


def bound_token(s: Subject, algorithm: str = "ES256", **claims: Any) -> bytes:
    return s.provider.token(cnf={"jkt": private_key(algorithm).thumbprint()}, **claims)


async def test_a_token_counts_only_with_a_proof_by_its_key() -> None:
    async with subject() as s:
        token = bound_token(s)
        for mode in ("strict", "optional"):
            handler = s.handler(proof_of_possession_dpop=mode, display_errors=True)
            headers = await passes(handler, proven(token, proof(token)))
            assert headers[b"authorization"] == b"Bearer " + token
            assert b"dpop" not in headers
            used = proof(token)
            await passes(handler, proven(token, used))
            await refused(handler, proven(token, used))
            await refused(handler, proven(token))
            await refused(handler, proven(token, scheme=b"Bearer"))
            # Also with a proof: a token that is bound is no bearer token.
            for scheme in (b"Bearer", b"bearer", b" Bearer"):
                await refused(handler, proven(token, proof(token), scheme=scheme))
            await passes(handler, proven(token, proof(token), scheme=b"dpop"))
            await refused(handler, proven(token, proof(token), proof(token)))
        strict = s.handler(proof_of_possession_dpop="strict")
        optional = s.handler(proof_of_possession_dpop="optional")
        free = s.provider.token(sub="free")
        await refused(strict, proven(free, proof(free)))
        await passes(optional, shown(free))
        # Where proofs are not looked at, the scheme is not one of ours.
        await refused(s.handler(), proven(token, proof(token)))


@pytest.mark.parametrize(
    "changes",
    [
        {"htm": "POST"},
        {"htu": "http://evil.test/orders"},
        {"htu": "https://api.test/orders"},
        {"htu": "http://api.test/other"},
        {"htu": "http://api.test:81/orders"},
        {"htu": "http://[::1/"},
        {"htu": None},
        {"ath": "x"},
        {"iat": 1},
        {"iat": int(time()) + 4000},
        {"iat": "now"},
        {"jti": 7},
        {"jti": ""},
        {"header": {"typ": "JWT"}},
        {"header": {"jwk": None}},
        {"header": {"jwk": {"kty": "EC"}}},
        {"header": {"jwk": public_jwk("ES256", 1)}},
        {"header": {"jwk": private_key("ES256").as_dict(private=True)}},
        {"header": {"crit": ["x"]}},
    ],
)
async def test_a_proof_that_is_not_for_this_request_is_none(changes: dict[str, Any]) -> None:
    async with subject() as s:
        token = bound_token(s)
        handler = s.handler(proof_of_possession_dpop="strict")
        await refused(handler, proven(token, proof(token, **changes)))


async def test_a_proof_by_another_key_or_a_secret_is_none() -> None:
    async with subject() as s:
        token = bound_token(s)
        handler = s.handler(proof_of_possession_dpop="strict")
        await refused(handler, proven(token, proof(token, number=1)))
        await refused(handler, proven(token, b"a.b.c"))
        secret = {"jwk": {"kty": "oct", "k": "AAAA"}}
        forged = signed({}, "HS256", header={"typ": "dpop+jwt", **secret})
        await refused(handler, proven(token, forged))
