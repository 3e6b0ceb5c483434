# SPDX-License-Identifier: Apache-2.0
"""The access phase of ``basic-auth``: find name and password, and the consumer whose they are.

The steps are those of Kong 3.10 (``basic-auth/access.lua``): Proxy-Authorization comes first, and
Authorization counts only where the user name in that is unknown.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error
from collections.abc import Awaitable
from dataclasses import replace
from hashlib import blake2b
from time import time
from typing import TYPE_CHECKING, Any

from gateway.entities.credentials import password_matches
from gateway.errors import RedisFailed
from gateway.http.messages import Request
from gateway.plugins.authentication import AuthenticationHandler, Denial, Found, challenge
from gateway.plugins.base import PluginContext
from gateway.plugins.basic_auth.brute_force import BruteForceGuard
from gateway.plugins.consumers import Identity
from gateway.plugins.limiting.origins import address_of
from gateway.redis.target import target_of

if TYPE_CHECKING:
    from gateway.plugins.basic_auth.redis_guard import RedisGuard

_HEADERS = (b"proxy-authorization", b"authorization")
_SCHEME = re.compile(rb"[ \t]*[Bb]asic[ \t]*([A-Za-z0-9+/]+)=*[ \t]*")

_STRANGERS = 1 << 20
"""Counts in Redis for all user names that nobody has together: each is kept for a day."""

_Shown = tuple[bytes, bytes]
"""User name and password."""


class BasicAuth(AuthenticationHandler):
    """Finds the user name, and by it the consumer; compares the password."""

    name = "basic-auth"

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self._identities = context.consumers.credentials("basicauth_credentials")
        ask = challenge("Basic", config.realm)
        self._nothing = Denial("Unauthorized", "no password was shown", headers=ask, absent=True)
        self._malformed = Denial(
            "Unauthorized", "the header holds no user name and password", headers=ask
        )
        self._unknown = Denial("Unauthorized", "no consumer has the user name", headers=ask)
        self._wrong = Denial("Unauthorized", "the password is wrong", headers=ask)
        self._prefix = context.ipv6_prefix
        self._guards: dict[bool, BruteForceGuard] = {}
        self._shared: RedisGuard | None = None
        protection = config.brute_force_protection
        if protection.strategy in ("memory", "redis"):
            # Names that nobody has are counted apart: they can be as many as a client likes.
            self._guards[True] = BruteForceGuard(self.name, context.counters)
            self._guards[False] = BruteForceGuard(f"{self.name}\nunknown", context.counters)
        if protection.strategy == "redis":
            # Late: docs/decisions/imports-inside-functions.md
            from gateway.plugins.basic_auth.redis_guard import RedisGuard

            target = target_of(protection.redis, context.trusted_ca)
            self._shared = RedisGuard(context.redis.get(target))

    def close(self) -> None:
        """Give the connections to Redis back."""
        if self._shared is not None:
            self.context.redis.release(self._shared.redis)
            self._shared = None

    def authenticate(self, request: Request) -> Found | Awaitable[Found]:
        """Return whose name and password they are."""
        found: Denial | tuple[Identity | None, _Shown] = self._nothing
        for name in _HEADERS:
            value = request.header(name)
            if value is None:
                continue
            shown = _shown(value)
            if shown is None:
                found = self._malformed if isinstance(found, Denial) else found
                continue
            identity = self._identities.get(shown[0])
            found = identity, shown
            if identity is not None:
                break
        if isinstance(found, Denial):
            return found
        if self._shared is not None:
            return self._check_in_redis(self._shared, request, *found)
        return self._check(request, *found)

    async def _check_in_redis(
        self, guard: RedisGuard, request: Request, identity: Identity | None, shown: _Shown
    ) -> Found:
        origin = self._origin(request, shown)
        if identity is None:
            origin = f"unknown {int(origin, 16) % _STRANGERS}"
        try:
            wait, after = await guard.attempt(origin)
            if wait:
                return _slowed(wait)
            if identity is not None and _fits(identity, shown[1]):
                await guard.take_back(origin)
                return identity
        except RedisFailed:
            return self._check(request, identity, shown)
        if after:
            return _slowed(after)
        return self._unknown if identity is None else self._wrong

    def _origin(self, request: Request, shown: _Shown) -> str:
        address = address_of(request.client_ip, self._prefix).encode()
        # Of one length, whatever a client shows as a user name.
        return blake2b(b"%b\n%b" % (address, shown[0]), digest_size=16).hexdigest()

    def _check(self, request: Request, identity: Identity | None, shown: _Shown) -> Found:
        guard, now = self._guards.get(identity is not None), time()
        origin = ""
        if guard is not None:
            origin = self._origin(request, shown)
            if wait := guard.wait(origin, now):
                return _slowed(wait)
        if identity is not None and _fits(identity, shown[1]):
            return identity
        if guard is not None and (wait := guard.failed(origin, now)):
            return _slowed(wait)
        return self._unknown if identity is None else self._wrong

    def hide(self, request: Request) -> None:
        """Take out each header that was looked at, if it holds a password."""
        looked_at = []
        for name in _HEADERS:
            value = request.header(name)
            if value is not None and _SCHEME.match(value):
                looked_at.append(name)
                shown = _shown(value)
                if shown is not None and shown[0] in self._identities:
                    break
        request.headers = [pair for pair in request.headers if pair[0] not in looked_at]


def _slowed(wait: int) -> Denial:
    denial = Denial("Too many requests", "too many wrong passwords", 429)
    return replace(denial, headers=((b"Retry-After", b"%d" % wait),))


def _fits(identity: Identity, password: bytes) -> bool:
    assert identity.credential is not None
    assert identity.consumer is not None
    # Passwords are texts: what is no UTF-8 fits none.
    text = password.decode(errors="surrogateescape")
    return password_matches(text, identity.consumer["id"], identity.credential["password"])


def _shown(value: bytes) -> _Shown | None:
    """Return user name and password of a header; the password may be empty, the name not."""
    match = _SCHEME.fullmatch(value)
    if match is None:
        return None
    text = match[1]
    try:
        decoded = b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except Error:
        return None
    username, colon, password = decoded.partition(b":")
    return (username, password) if username and colon else None
