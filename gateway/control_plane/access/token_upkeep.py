# SPDX-License-Identifier: Apache-2.0
"""What is done to tokens beside the calls of people: their last use kept, old ones removed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any
from uuid import uuid4

from gateway import __version__
from gateway.control_plane.access.audit_entry import AuditedCall
from gateway.control_plane.access.audit_log import AuditLog
from gateway.control_plane.access.authentication import Authentication
from gateway.control_plane.access.identity import AdminIdentity
from gateway.control_plane.access.tokens import TokenStore
from gateway.errors import StoreError
from gateway.logs import get_logger
from gateway.tasks import LastingTask

RETENTION = AdminIdentity("retention of tokens", frozenset(), proven=False)
"""Who removes old tokens, in the audit log; tokens have no spaces in their names."""

_EVERY = 5.0
"""Seconds between writes of when tokens were used last."""
_LOOK = 3600.0
"""Most seconds between looks for tokens that ended too long ago."""

_log = get_logger("gateway.control_plane")


class TokenUpkeep:
    """Lives on one event loop. ``call`` runs what blocks on the store's thread."""

    def __init__(
        self,
        tokens: TokenStore,
        authentication: Authentication,
        call: Callable[[Callable[[], Any]], Awaitable[Any]],
        audit: AuditLog | None,
        kept_for: float,
    ) -> None:
        """``kept_for``: seconds that a token is known after its end."""
        self._tokens = tokens
        self._authentication = authentication
        self._call = call
        self._audit = audit
        self._kept_for = kept_for
        # Shorter than an hour, a retention is kept to as closely as the writes beside it come.
        self._look = min(_LOOK, kept_for)
        self._looked = 0.0
        self._task = LastingTask(self._run)

    def start(self) -> None:
        """Begin."""
        self._task.start()

    async def stop(self) -> None:
        """Write once more when tokens were used."""
        if await self._task.stop():
            await self.save()

    async def save(self) -> None:
        """Write when tokens were used last."""
        used = self._authentication.take_used()
        if not used:
            return
        try:
            await self._call(partial(self._tokens.note_used, used))
        except StoreError as error:
            _log.error("last use of tokens not saved", reason=str(error))

    async def remove_old(self) -> None:
        """Remove the tokens that ended too long ago, and note each in the audit log."""
        self._looked = time.monotonic()
        try:
            before = int(time.time() - self._kept_for)
            removed = await self._call(partial(self._tokens.remove_ended, before))
        except StoreError as error:
            _log.error("old tokens not removed", reason=str(error))
            return
        for token in removed:
            self._authentication.forget(token)
            _log.info("old token removed", name=token.name, state=token.state)
            if self._audit is not None:
                path = f"/tokens/{token.id}"
                body = {"name": token.name, "roles": list(token.roles), "status": token.state}
                agent = f"kafka-gateway/{__version__}"
                call = AuditedCall(str(uuid4()), RETENTION, "", agent, "DELETE", path, body, 204)
                self._audit.note(call.entry())

    async def _run(self) -> None:
        while True:
            if not self._looked or time.monotonic() - self._looked > self._look:
                await self.remove_old()
            await asyncio.sleep(_EVERY)
            await self.save()
