# SPDX-License-Identifier: Apache-2.0
"""What plugins see of a store that workers or nodes share; ``node_store.py`` says what is in it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, Protocol

LEASE = 10.0
"""Seconds after which an owner that says nothing counts as gone, unless it says else."""


class Standing(StrEnum):
    """What one who wants to begin something meets."""

    BEGUN = "begun"
    """Nobody was there: it is the caller's to do."""
    FOUND = "found"
    """It was done; the result is there."""
    BUSY = "busy"
    """Another is at work on it, and the time to wait for it is over."""
    OTHER = "other"
    """Another is at work under this key, on something else."""
    LOST = "lost"
    """The one who was at work on it is gone: how far it came is not known."""
    TAKEN = "taken"
    """The same, and it is the caller's from now on; the value is the note of the one before."""


class Seen(NamedTuple):
    """The answer to ``begin``; ``token`` is the claim's when it was begun or taken over."""

    standing: Standing
    token: str = ""
    value: bytes = b""


class SharedStore(Protocol):
    """What plugins see of a store. Each call may raise ``NodeStoreUnavailable``.

    Keys begin with the plugin's name and a colon, which keeps plugins apart. Times in seconds.
    """

    async def get(self, key: str) -> bytes | None:
        """Return a value or a result; None when there is none."""
        ...

    async def put(self, key: str, value: bytes, ttl: float) -> bool:
        """Keep a value; return False when it is too large for the store."""
        ...

    async def remove(self, key: str) -> bool:
        """Forget a value; tell whether there was one."""
        ...

    async def clear(self, prefix: str) -> int:
        """Forget all values whose keys begin so; return how many."""
        ...

    async def begin(
        self,
        key: str,
        mark: bytes,
        *,
        wait: float,
        ttl: float,
        again: bool = False,
        note: bytes = b"",
        lease: float = LEASE,
    ) -> Seen:
        """Claim a key, or see what became of the claim of another, for which this may wait.

        ``mark``: what is being done; a claim with another one is not waited for. ``ttl``: how long
        a claim holds that nobody ends. ``again``: a claim whose owner is gone may be taken over;
        otherwise it is lost for as long as it would have held. ``note``: what one who takes the
        claim over should know; it keeps the note of the first. ``lease``: seconds after which an
        owner counts as gone, where its end is not seen.
        """
        ...

    def left(self, token: str) -> float:
        """Return the seconds for which nobody can take a claim over that was begun here."""
        ...

    async def lose(self, key: str, token: str, note: bytes = b"") -> None:
        """Give up a claim as one whose owner is gone. ``note``: in place of the one it has."""
        ...

    async def finish(self, key: str, token: str, value: bytes, ttl: float) -> bool:
        """End a claim with its result; tell whether it still held."""
        ...

    async def release(self, key: str, token: str) -> None:
        """End a claim without a result: the next one who waits begins."""
        ...
