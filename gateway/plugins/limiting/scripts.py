# SPDX-License-Identifier: Apache-2.0
"""The scripts that count in Redis; each is a file beside this one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from gateway.redis.script import RedisScript


@cache
def script(name: str) -> RedisScript:
    """Return ``fixed``, ``sliding`` or ``added``; the file says what goes in and comes out."""
    return RedisScript((Path(__file__).parent / f"{name}.lua").read_text("utf-8"))
