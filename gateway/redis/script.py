# SPDX-License-Identifier: Apache-2.0
"""A Lua script that Redis runs; servers keep it under its digest."""

from __future__ import annotations

from hashlib import sha1


class RedisScript:
    """Called by its digest: the source travels only to a server that does not have it."""

    __slots__ = ("digest", "source")

    def __init__(self, source: str) -> None:
        self.source = source
        # Not for security: it is the name that Redis gives a script.
        self.digest = sha1(source.encode(), usedforsecurity=False).hexdigest()
