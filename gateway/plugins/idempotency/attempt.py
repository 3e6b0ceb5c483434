# SPDX-License-Identifier: Apache-2.0
"""One request under a key, and what a storage does with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from gateway.http.messages import Request
from gateway.plugins.node_store import Seen


@dataclass(slots=True)
class Attempt:
    """One request under a key. ``mark`` is what it asks for, ``token`` that of its claim."""

    key: str
    mark: bytes
    token: str = ""
    identity: str = ""
    outbox: Any = None
    """With a storage that writes the answer together with the records: what takes them."""

    def drop_records(self) -> None:
        """Have none of the request's records written."""
        if self.outbox is not None:
            self.outbox.records.clear()


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

    async def release(self, attempt: Attempt) -> None:
        """Free the key for another attempt."""
        ...

    def close(self) -> None:
        """The handler is gone."""
        ...
