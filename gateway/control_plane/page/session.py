# SPDX-License-Identifier: Apache-2.0
"""Who is signed in: the admin token, sealed in a cookie, and what writes must carry beside it.

Nothing is kept here. The token is looked at with each request, so one that is revoked is so at
once; and whoever has the same keyring, another control plane or this one after a restart, reads the
same cookies.
"""

from __future__ import annotations

import hmac
import os
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

LONGEST = 12 * 3600
"""Seconds for which one is signed in."""
_NONCE, _TIME = 12, 8
_BOUND = b"kafka-gateway page session"


class SessionSealer:
    """Makes and reads cookies with one key of 32 bytes."""

    def __init__(self, key: bytes, clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._cipher = AESGCM(key)
        self._clock = clock

    def seal(self, token: str) -> str:
        """Return the cookie of who signs in with this token now."""
        nonce = os.urandom(_NONCE)
        content = int(self._clock()).to_bytes(_TIME, "big") + token.encode()
        sealed = nonce + self._cipher.encrypt(nonce, content, _BOUND)
        return urlsafe_b64encode(sealed).decode().rstrip("=")

    def open(self, cookie: str) -> str | None:
        """Return the token in a cookie; None where it is none of ours, or too old."""
        try:
            sealed = urlsafe_b64decode(cookie + "=" * (-len(cookie) % 4))
            content = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], _BOUND)
        except (ValueError, InvalidTag):
            return None
        signed_in = int.from_bytes(content[:_TIME], "big")
        if not 0 <= self._clock() - signed_in <= LONGEST:
            return None
        return content[_TIME:].decode()

    def form_token(self, cookie: str) -> str:
        """Return what forms must hold that are sent with a cookie; empty: with none.

        It is another one each time, so that nobody finds it out from what is repeated.
        """
        return self._form_token(os.urandom(_NONCE).hex(), cookie)

    def is_form_token(self, given: str, cookie: str) -> bool:
        """Tell whether a form holds it, in constant time."""
        nonce = given[: 2 * _NONCE]
        return hmac.compare_digest(given.encode(), self._form_token(nonce, cookie).encode())

    def _form_token(self, nonce: str, cookie: str) -> str:
        content = f"form {nonce} {cookie}".encode()
        return nonce + hmac.new(self._key, content, "sha256").hexdigest()
