# SPDX-License-Identifier: Apache-2.0
"""Keys and signed tokens for tests; keys are made once a process."""

from __future__ import annotations

import base64
import warnings
from functools import cache
from typing import Any

import orjson
from joserfc import jwk
from joserfc.jws import JWSRegistry

CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519"}


def private_key(algorithm: str, number: int = 0) -> Any:
    """Return a key that signs with the algorithm; another number is another key."""
    return _key(algorithm, number)


@cache
def _key(algorithm: str, number: int) -> Any:
    if algorithm.startswith("HS"):
        return jwk.OctKey.import_key(f"{algorithm} secret number {number}".encode())
    if algorithm[:2] in ("RS", "PS"):
        return jwk.RSAKey.generate_key(2048)
    if algorithm == "EdDSA":
        return jwk.OKPKey.generate_key("Ed25519")
    return jwk.ECKey.generate_key(CURVES[algorithm])


def public_pem(algorithm: str, number: int = 0) -> str:
    """Return the public half of ``private_key`` as PEM."""
    return str(private_key(algorithm, number).as_pem(private=False).decode())


def public_jwk(algorithm: str, number: int = 0, **fields: Any) -> dict[str, Any]:
    """Return the public half of ``private_key`` as a JWK."""
    return {**private_key(algorithm, number).as_dict(private=False), "alg": algorithm, **fields}


def encoded(value: Any) -> bytes:
    """Return base64url of JSON, or of bytes."""
    text = value if isinstance(value, bytes) else orjson.dumps(value)
    return base64.urlsafe_b64encode(text).rstrip(b"=")


def signed(
    claims: Any,
    algorithm: str = "HS256",
    key: Any = None,
    *,
    secret: str | bytes | None = None,
    header: dict[str, Any] | None = None,
    number: int = 0,
) -> bytes:
    """Return a token; ``secret`` is one of an HS algorithm, ``header`` changes the usual one."""
    if secret is not None:
        text = secret.encode() if isinstance(secret, str) else secret
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            key = jwk.OctKey.import_key(text)
    key = private_key(algorithm, number) if key is None else key
    head = {"typ": "JWT", "alg": algorithm, **(header or {})}
    text = encoded(head) + b"." + encoded(claims)
    return text + b"." + encoded(JWSRegistry.algorithms[algorithm].sign(text, key))


def unsigned(claims: Any, algorithm: str = "none") -> bytes:
    """Return a token without a signature."""
    return encoded({"alg": algorithm}) + b"." + encoded(claims) + b"."
