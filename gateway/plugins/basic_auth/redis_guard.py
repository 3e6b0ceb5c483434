# SPDX-License-Identifier: Apache-2.0
"""Slows down who guesses passwords, by counts that all nodes share in Redis."""

from __future__ import annotations

from functools import cache
from hashlib import blake2b
from pathlib import Path

from gateway.plugins.basic_auth.brute_force import LONGEST, TOLERATED, WINDOW
from gateway.redis.client import RedisClient
from gateway.redis.script import RedisScript


class RedisGuard:
    """The same rules as ``BruteForceGuard``. The methods raise ``RedisFailed``."""

    def __init__(self, redis: RedisClient) -> None:
        self.redis = redis

    async def attempt(self, origin: str) -> tuple[int, int]:
        """Begin an attempt: return the seconds to wait before it, and after it if it fails.

        It may only be made when the first is 0; it counts as failed until it is taken back.
        """
        limits = TOLERATED, LONGEST, WINDOW
        before, after = await self.redis.run(_script("attempt"), [_key(origin)], *limits)
        return int(before), int(after)

    async def take_back(self, origin: str) -> None:
        """Count an attempt no more: the password was right."""
        await self.redis.run(_script("taken_back"), [_key(origin)])


def _key(origin: str) -> str:
    # Of one length, whatever a client shows as a user name.
    return f"basic-auth:{blake2b(origin.encode(), digest_size=16).hexdigest()}"


@cache
def _script(name: str) -> RedisScript:
    return RedisScript((Path(__file__).parent / f"{name}.lua").read_text("utf-8"))
