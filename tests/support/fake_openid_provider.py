# SPDX-License-Identifier: Apache-2.0
"""A stand-in for an OpenID provider: signs tokens, rotates keys, introspects, and can misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import time
from typing import Any

from aiohttp import web

from tests.support.small_endpoint import endpoint
from tests.support.tokens import public_jwk, signed


class FakeOpenIdProvider:
    """``asked`` holds the paths of all requests, ``forms`` the forms that were posted."""

    def __init__(self) -> None:
        self.url = ""
        self.algorithm = "RS256"
        self.number = 0
        """The key that signs; ``published`` are those that the key set shows."""
        self.published = [0]
        self.key_set: list[dict[str, Any]] | None = None
        """The key set as it is shown, in place of ``published``."""
        self.asked: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.heads: list[dict[str, str]] = []
        self.active: dict[str, dict[str, Any]] = {}
        """What introspection says of opaque tokens."""
        self.clients = {"app": "app-secret"}
        """Who may fetch tokens by client credentials."""
        self.broken: web.Response | None = None
        """What every request is answered with."""
        self.gate: asyncio.Event | None = None
        """What every request waits for."""
        self.expires_in: Any = 300

    def token(self, /, *, number: int | None = None, algorithm: str = "", **claims: Any) -> bytes:
        """Return a signed token; a claim that is None is left out."""
        given = {"iss": self.url, "sub": "user", "exp": int(time()) + 300, **claims}
        chosen = self.number if number is None else number
        algorithm = algorithm or self.algorithm
        return signed(
            {name: value for name, value in given.items() if value is not None},
            algorithm,
            header={"kid": f"key {chosen}"},
            number=chosen,
        )

    async def respond(self, request: web.Request) -> web.StreamResponse:
        """Respond to any request."""
        self.asked.append(request.path)
        self.heads.append(dict(request.headers))
        if request.method == "POST":
            self.forms.append({k: str(v) for k, v in (await request.post()).items()})
        if self.gate is not None:
            await self.gate.wait()
        if self.broken is not None:
            broken = self.broken
            return web.Response(status=broken.status, body=broken.body, headers=broken.headers)
        known = {
            "/.well-known/openid-configuration": self._discovery,
            "/keys": self._keys,
            "/introspect": self._introspect,
            "/token": self._grant,
        }
        found = known.get(request.path)
        return web.Response(status=404) if found is None else found()

    def _discovery(self) -> web.Response:
        return web.json_response(
            {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
                "token_endpoint": f"{self.url}/token",
                "introspection_endpoint": f"{self.url}/introspect",
            }
        )

    def _keys(self) -> web.Response:
        rows = [public_jwk(self.algorithm, n, kid=f"key {n}", use="sig") for n in self.published]
        return web.json_response({"keys": rows if self.key_set is None else self.key_set})

    def _introspect(self) -> web.Response:
        return web.json_response(self.active.get(self.forms[-1]["token"], {"active": False}))

    def _grant(self) -> web.Response:
        import base64

        kind, _, proof = self.heads[-1].get("Authorization", "").partition(" ")
        name, _, secret = base64.b64decode(proof if kind == "Basic" else "").decode().partition(":")
        form = self.forms[-1]
        name, secret = name or form.get("client_id", ""), secret or form.get("client_secret", "")
        if self.clients.get(name) != secret:
            return web.json_response({"error": "invalid_client"}, status=401)
        token = self.token(sub=name, scope=form.get("scope")).decode()
        return web.json_response({"access_token": token, "expires_in": self.expires_in})


@asynccontextmanager
async def openid_provider(port: int = 0) -> AsyncIterator[FakeOpenIdProvider]:
    """Serve one."""
    provider = FakeOpenIdProvider()
    async with endpoint(provider.respond, port=port) as url:
        provider.url = url
        yield provider
