# SPDX-License-Identifier: Apache-2.0
"""One request under a key, and what a storage does with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from gateway.http.messages import Request
from gateway.plugins.idempotency.recovery import Note
from gateway.plugins.shared_store import Seen


@dataclass(slots=True)
class Attempt:
    """One request under a key. ``mark`` is what it asks for, ``token`` that of its claim."""

    key: str
    mark: bytes
    token: str = ""
    identity: str = ""
    outbox: Any = None
    """What takes the request's records in place of a producer (``gateway.kafka.outbox``)."""
    note: Note | None = None
    """What a claim says for those who come after it, where records can be found again."""

    def drop_records(self) -> None:
        """Have none of the request's records written that wait for the answer."""
        if self.outbox is not None:
            self.outbox.drop()


class Storage(Protocol):
    """Each call may raise ``NodeStoreUnavailable``."""

    atomic: bool
    """Whether records are written together with the answer: if that fails nothing was written."""

    async def begin(self, attempt: Attempt, request: Request) -> Seen:
        """Claim the key, or wait for what becomes of an earlier claim."""
        ...

    async def finish(self, attempt: Attempt, value: bytes) -> None:
        """Keep the answer."""
        ...

    async def release(self, attempt: Attempt, *, responded: bool = False) -> None:
        """Free the key for another attempt; ``responded``: a client knows that this one failed."""
        ...

    def close(self) -> None:
        """The handler is gone."""
        ...
