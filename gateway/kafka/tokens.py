# SPDX-License-Identifier: Apache-2.0
"""Asking a token endpoint for a token (RFC 6749 §4), for Kafka and for the schema registry."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from time import time
from typing import Any
from urllib.parse import quote_plus

import orjson

from gateway.errors import ProduceError
from gateway.outgoing.client import Fetch, HttpClient, form
from gateway.outgoing.proxies import BY_ENVIRONMENT, ForwardProxy

_DEFAULT_LIFE = 300
"""Seconds, when neither the response nor the token says how long it is good for."""
_FORM = ("Content-Type", "application/x-www-form-urlencoded")


@dataclass(frozen=True)
class TokenRequest:
    """One token request. ``timeout`` in seconds; ``ca``: a file, None for the system's."""

    url: str
    form: tuple[tuple[str, str], ...] = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    verify: bool = True
    ca: str | None = None
    timeout: float = 10.0
    proxy: ForwardProxy = BY_ENVIRONMENT
    http_1_0: bool = False


@dataclass(frozen=True)
class AccessToken:
    """``expires``: milliseconds since 1970; ``claims``: what a JWT says, unverified (the peer
    verifies it), empty for other tokens.
    """

    text: str = field(repr=False)
    expires: int
    claims: dict[str, Any] = field(repr=False)


def client_basic(client_id: str, secret: str) -> str:
    """Return the Authorization header of a client (RFC 6749 §2.3.1): both are form-encoded first,
    so that a colon in the id, or what is not ASCII, arrives as it is.
    """
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


async def ask(request: TokenRequest) -> AccessToken:
    """Return a new token; raises ``ProduceError``, or ``OutgoingError`` for connections."""
    async with HttpClient() as http:
        response = await http.fetch(
            Fetch(
                request.url,
                "POST",
                (_FORM, *request.headers),
                form(request.form),
                request.timeout,
                verify=request.verify,
                ca=request.ca,
                proxy=request.proxy,
                http_1_0=request.http_1_0,
            )
        )
    if response.status != 200:
        raise ProduceError("_AUTHENTICATION", f"the endpoint answered {response.status}")
    return _token(response.body)


def _token(body: bytes) -> AccessToken:
    response = orjson.loads(body)
    if not isinstance(response, dict) or not response.get("access_token"):
        raise ProduceError("_AUTHENTICATION", "the endpoint's response holds no access_token")
    text = str(response["access_token"])
    claims = _claims(text)
    return AccessToken(text, _expiry(claims, response), claims)


def _expiry(claims: dict[str, Any], response: dict[str, Any]) -> int:
    life = response.get("expires_in")
    if isinstance(life, int | float) and life > 0:
        return int((time() + life) * 1000)
    end = claims.get("exp")
    if isinstance(end, int | float):
        return int(end * 1000)
    return int((time() + _DEFAULT_LIFE) * 1000)


def _claims(token: str) -> dict[str, Any]:
    parts = token.split(".")
    if len(parts) != 3:
        return {}
    try:
        found = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
