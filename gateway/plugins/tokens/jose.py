# SPDX-License-Identifier: Apache-2.0
"""JSON Web Tokens in compact form (RFC 7515, RFC 7519): reading, and checking the signature.

The cryptography is joserfc's. Nothing that a token says of itself decides how it is checked: the
caller names algorithm and key.
"""

from __future__ import annotations

import binascii
import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

from gateway.json_text import read_json

HS = ("HS256", "HS384", "HS512")
ALGORITHMS = (
    *HS,
    *("RS256", "RS384", "RS512"),
    *("PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512"),
    "EdDSA",
)
_KEY_TYPES = {"HS": "oct", "RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
_LARGEST = 64 * 1024
"""Bytes of a token; a head takes no more."""
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")

BAD_JSON = "invalid JSON"
BAD_ALGORITHM = "invalid alg"
BAD_CLAIMS = "invalid claims"
BAD_SIGNATURE = "invalid signature"


class Jws(NamedTuple):
    """A token that is well formed; nothing in it is true yet."""

    header: dict[str, Any]
    claims: dict[str, Any]
    algorithm: str
    signed: bytes
    signature: bytes


def parse(token: bytes) -> Jws | str:
    """Return a token's parts, or what is wrong with it: one of the ``BAD_`` texts."""
    parts = token.split(b".", 2) if len(token) <= _LARGEST else []
    if len(parts) != 3:
        return BAD_JSON
    header, claims = _json(parts[0]), _json(parts[1])
    if header is _WRONG or claims is _WRONG:
        return BAD_JSON
    algorithm = header.get("alg") if isinstance(header, dict) else None
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        return BAD_ALGORITHM
    if not isinstance(claims, dict):
        return BAD_CLAIMS
    signature = decoded(parts[2])
    if signature is None:
        return BAD_SIGNATURE
    return Jws(header, claims, algorithm, parts[0] + b"." + parts[1], signature)


def decoded(part: bytes) -> bytes | None:
    """Return what base64url stands for, padded or not; None where it is none.

    The plain alphabet is taken too, as Kong takes it.
    """
    text = part.translate(_TO_STANDARD).rstrip(b"=")
    try:
        return binascii.a2b_base64(text + b"=" * (-len(text) % 4), strict_mode=True)
    except binascii.Error:
        return None


def import_key(algorithm: str, material: bytes | Mapping[str, Any]) -> Any | None:
    """Return a key for ``is_signed``; None where the material is none for the algorithm.

    ``material`` is a secret for an HS algorithm, else PEM, or a JWK (RFC 7517) for any.
    """
    # Imported late, here and below: it takes most of what a worker without tokens would load.
    from joserfc import jwk

    kind: Any = _KEY_TYPES.get(algorithm[:2])
    data: Any = material
    if isinstance(material, Mapping):
        # Some providers write null for a member that a key does not have.
        data = {name: value for name, value in material.items() if value is not None}
    with warnings.catch_warnings():
        # The weakness of a key is the business of who made it: Kong takes any.
        warnings.simplefilter("ignore")
        try:
            return jwk.import_key(data, kind)
        except Exception:
            # A library's view of broken key material: whatever it raises, it is no key.
            return None


def is_signed(jws: Jws, key: Any) -> bool:
    """Tell whether the key has signed the token, with the algorithm that the token names.

    The caller has compared that algorithm with what the key is for. A token with extensions that
    must be understood (``crit``, RFC 7515 section 4.1.11) is not: none are.
    """
    from joserfc.jws import JWSRegistry

    if key is None or "crit" in jws.header or jws.header.get("b64") is not None:
        return False
    algorithm = JWSRegistry.algorithms[jws.algorithm]
    try:
        algorithm.check_key(key)
        return algorithm.verify(jws.signed, jws.signature, key) is True
    except Exception:
        # Wrong lengths, curves, uses: whatever the library says of them, it is not signed.
        return False


_WRONG = object()


def _json(part: bytes) -> Any:
    text = decoded(part)
    if text is None:
        return _WRONG
    try:
        return read_json(text)
    except ValueError:
        return _WRONG
