# SPDX-License-Identifier: Apache-2.0
"""Whether a token is shown by the one that it was made for: by certificate, or by a proof."""

from __future__ import annotations

import base64
import hashlib
import hmac
from time import time
from typing import Any
from urllib.parse import urlsplit

from gateway.http.messages import Request
from gateway.plugins.tokens import jose
from gateway.plugins.tokens.claims import Claims, at, seconds

_MOST_PROOFS = 10_000
_AHEAD = 60
"""Seconds that a client's clock may be ahead."""
_ASYMMETRIC = frozenset(jose.ALGORITHMS) - frozenset(jose.HS)


class Possession:
    """Checks each request: a token that is known says nothing of who shows it."""

    def __init__(self, config: Any) -> None:
        self._mtls: str = config.proof_of_possession_mtls
        self._dpop: str = config.proof_of_possession_dpop
        self._lifetime: float = config.dpop_proof_lifetime
        self.is_checked = self._mtls != "off" or self._dpop != "off"
        self._used: dict[bytes, float] = {}

    def problem(self, request: Request, claims: Claims, token: bytes) -> str:
        """Return why the token is not the caller's; empty if it is."""
        bound = at(claims, ["cnf", "x5t#S256"])
        if self._mtls == "strict" or (self._mtls == "optional" and bound is not None):
            problem = _certificate_problem(request, bound)
            if problem:
                return problem
        bound = at(claims, ["cnf", "jkt"])
        if self._dpop == "strict" or (self._dpop == "optional" and bound is not None):
            return self._proof_problem(request, bound, token)
        return ""

    def _proof_problem(self, request: Request, bound: Any, token: bytes) -> str:
        """Check a DPoP proof (RFC 9449 section 4.3)."""
        if not isinstance(bound, str):
            return "the token is bound to no key"
        if (request.header(b"authorization") or b"").lstrip()[:7].lower() == b"bearer ":
            # RFC 9449 section 7.2: a token that is bound to a key is no bearer token.
            return "the token is shown without the scheme DPoP"
        proofs = request.header_values(b"dpop")
        if len(proofs) != 1:
            return "there is not one DPoP proof"
        jws = jose.parse(proofs[0])
        if isinstance(jws, str) or jws.algorithm not in _ASYMMETRIC:
            return "the DPoP proof is no token"
        row = jws.header.get("jwk")
        if jws.header.get("typ") != "dpop+jwt" or not isinstance(row, dict) or "d" in row:
            return "the DPoP proof holds no public key"
        key = jose.import_key(jws.algorithm, row)
        if key is None:
            return "the DPoP proof holds no public key"
        # First, for with a key of the caller's choice the signature could take long to verify.
        if not hmac.compare_digest(key.thumbprint().encode(), bound.encode()):
            return "the DPoP proof is by another key than the token's"
        if not jose.is_signed(jws, key):
            return "the DPoP proof is not signed"
        return self._content_problem(request, jws.claims, token)

    def _content_problem(self, request: Request, claims: Claims, token: bytes) -> str:
        if claims.get("htm") != request.method.decode("latin-1"):
            return "the DPoP proof is for another method"
        if not _is_for(request, claims.get("htu")):
            return "the DPoP proof is for another URL"
        if claims.get("ath") != _url64(hashlib.sha256(token).digest()):
            return "the DPoP proof is for another token"
        made, now = seconds(claims.get("iat")), time()
        if made is None or not now - self._lifetime <= made <= now + _AHEAD:
            return "the DPoP proof is too old"
        number = claims.get("jti")
        if not isinstance(number, str) or not number:
            return "the DPoP proof has no jti"
        return self._used_problem(hashlib.sha256(number.encode()).digest(), now)

    def _used_problem(self, digest: bytes, now: float) -> str:
        """A proof counts once, as far as this worker has seen it."""
        if self._used.get(digest, 0) > now:
            return "the DPoP proof was used before"
        self._used.pop(digest, None)
        self._used[digest] = now + self._lifetime + _AHEAD
        if len(self._used) > _MOST_PROOFS:
            del self._used[next(iter(self._used))]
        return ""


def _certificate_problem(request: Request, bound: Any) -> str:
    """Compare the certificate with the one that a token is bound to (RFC 8705 section 3)."""
    if not isinstance(bound, str):
        return "the token is bound to no certificate"
    shown = request.connection.client_certificate
    if shown is None:
        return "no TLS certificate was shown"
    thumbprint = _url64(hashlib.sha256(shown).digest())
    if not hmac.compare_digest(thumbprint.encode(), bound.rstrip("=").encode()):
        return "the token is bound to another TLS certificate"
    return ""


def _is_for(request: Request, url: Any) -> bool:
    """Compare without query and fragment (RFC 9449 section 4.3)."""
    if not isinstance(url, str):
        return False
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    default = 443 if parts.scheme == "https" else 80
    host = (request.header(b"host") or b"").decode("latin-1").lower()
    name, colon, given = host.rpartition(":")
    if not colon or not given.isdigit():
        name, given = host, ""
    here = int(given) if given else (443 if request.forwarded_proto == "https" else 80)
    return (
        parts.scheme == request.forwarded_proto
        and (parts.hostname or "") == name.strip("[]")
        and (port or default) == here
        and (parts.path or "/") == request.path.decode("latin-1")
    )


def _url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
