# SPDX-License-Identifier: Apache-2.0
"""Tokens whose check has succeeded, so that it is made once for each."""

from __future__ import annotations

from typing import NamedTuple

from gateway.plugins.consumers import Identity

ALWAYS = float("inf")


class Verified(NamedTuple):
    """Whose a token is, and from when until when, in seconds since 1970."""

    identity: Identity
    begins: float = -ALWAYS
    ends: float = ALWAYS
    as_shown: Identity | None = None
    """The same for a request whose header with the token stays as it is, where there is that."""


class VerifiedTokens:
    """Bounded; of more, the oldest go. One for each handler: what decides stays the same there.

    The whole token is the key: nothing else finds it, and a digest would cost more than the
    look-up. Only tokens that were verified get in, so no stranger can fill it; one token may be
    spelled in many ways, so there is a bound for what they take together.
    """

    _LONGEST = 8192
    """Bytes of a token that is kept."""

    def __init__(self, most: int = 10_000, most_bytes: int = 16 * 1024**2) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._bytes = 0
        self._found: dict[bytes, Verified] = {}

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._found)

    def find(self, token: bytes, now: float) -> Identity | None:
        """Return whose the token is at this time; None where it must be looked at."""
        found = self._found.get(token)
        if found is None:
            return None
        identity, begins, ends, _ = found
        return identity if begins <= now < ends else None

    def find_as_shown(self, token: bytes, now: float) -> Identity | None:
        """Return the same for a request that goes on with the header it came with."""
        found = self._found.get(token)
        if found is None:
            return None
        _, begins, ends, identity = found
        return identity if begins <= now < ends else None

    def put(self, token: bytes, verified: Verified) -> None:
        """Keep a token."""
        if len(token) > self._LONGEST:
            return
        if self._found.pop(token, None) is None:
            self._bytes += len(token)
        self._found[token] = verified
        while len(self._found) > self._most or self._bytes > self._most_bytes:
            oldest = next(iter(self._found))
            del self._found[oldest]
            self._bytes -= len(oldest)

    def clear(self) -> None:
        """Forget all: what decided has changed."""
        self._found.clear()
        self._bytes = 0
