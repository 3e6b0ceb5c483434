# SPDX-License-Identifier: Apache-2.0
"""The secrets that a node's releases refer to: fetched here, once for all workers, and renewed.

Workers look up the vault ``env`` without options themselves, in their own environment; what it
takes another vault for is fetched by the master and handed to them beside that. No secret is
written anywhere.
"""

from __future__ import annotations

import asyncio
import math
import os
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import orjson

from gateway.data_plane.master.node_release import NodeRelease
from gateway.data_plane.master.supervisor import Supervisor
from gateway.errors import ReleaseRefused, SettingsError, UnresolvedReference
from gateway.logs import get_logger

if TYPE_CHECKING:
    from gateway.vaults.secrets import Resolved, Secrets

_log = get_logger("gateway.master")

_PLAIN = re.compile(rb"\{vault://env/[^{}?#\"]+\}")
_ANY = re.compile(rb"\{vault://[^}\"]+\}")
_SHORTEST = 1.0
"""Seconds between two rounds: a vault is not asked in a tight loop."""
_UNRESOLVED = 5.0
"""Seconds until a release that waits for a vault is tried again."""

Values = Mapping[str, str]
"""By the name of a variable, or by the whole reference."""


class NodeSecrets:
    """Completes the environment that releases are compiled with."""

    def __init__(
        self,
        supervisor: Supervisor,
        folders: tuple[str, ...] = (),
        trusted: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._supervisor = supervisor
        self._folders = folders
        self._trusted = trusted
        self._secrets: Secrets | None = None
        self._expired = False
        self._asking = asyncio.Lock()
        self._due = math.inf
        self._moved = asyncio.Event()
        self._reported: object = None

    def expire(self) -> None:
        """Have every secret fetched anew at the next opportunity."""
        self._expired = True

    async def complete(self, release: NodeRelease, environment: Values) -> Values:
        """Return the environment with the secrets that the release refers to.

        Raises ``UnresolvedReference`` naming each that cannot be had, and why.
        """
        if not _needs_vaults(release.table, environment):
            return environment
        async with self._asking:
            found = await asyncio.to_thread(self._resolve, release.table, environment)
        self._due = asyncio.get_running_loop().time() + found.due
        self._moved.set()
        if found.problems:
            raise UnresolvedReference(list(found.problems), found.problems)
        return {**environment, **found.values}

    async def follow(self, environment: Callable[[], Values], waiting: Callable[[], Any]) -> None:
        """Renew secrets when it is time to, until cancelled.

        Workers get changed ones as they get a release: requests under way end with the old ones.
        ``waiting`` returns an awaitable that tries a release again that waits for its secrets.
        """
        while True:
            self._moved.clear()
            await self._wait()
            release = self._supervisor.serving
            if release is None:
                await waiting()
                continue
            self._due = math.inf
            try:
                await self._renew(release, environment())
            except ReleaseRefused as error:
                self._report(error)
            except Exception:
                _log.exception("secrets cannot be renewed")
                self._due = asyncio.get_running_loop().time() + _UNRESOLVED

    async def _wait(self) -> None:
        """Wait until something is due; a release that came meanwhile has its own time."""
        await asyncio.sleep(_SHORTEST)
        while True:
            now = asyncio.get_running_loop().time()
            unserved = _UNRESOLVED if self._supervisor.serving is None else math.inf
            left = min(self._due - now, unserved)
            if left <= 0:
                return
            try:
                async with asyncio.timeout(None if left == math.inf else left):
                    await self._moved.wait()
                self._moved.clear()
            except TimeoutError:
                return

    async def _renew(self, release: NodeRelease, environment: Values) -> None:
        values = await self.complete(release, environment)
        before = self._supervisor.environment
        if values == before:
            return
        changed = sorted(name for name in values if values[name] != before.get(name))
        if await self._supervisor.renew(release, values):
            _log.info("secrets renewed", references=changed)
        self._reported = None

    def _report(self, error: ReleaseRefused) -> None:
        """Log why the old secrets stay, once for each reason."""
        if error.errors != self._reported:
            _log.error("secrets are not renewed, the old ones stay", problems=error.errors)
            self._reported = error.errors

    def _resolve(self, table: bytes, environment: Values) -> Resolved:
        # Imported here: most nodes refer to their environment only.
        from gateway.vaults.backend import Surroundings
        from gateway.vaults.references import REFERRING, references
        from gateway.vaults.secrets import Secrets

        rows = orjson.loads(table)
        vaults = {row["prefix"]: row for row in rows.pop("vaults", ())}
        try:
            trusted = self._trusted()
        except SettingsError as error:
            raise ReleaseRefused(error.problems) from None
        surroundings = Surroundings({**os.environ, **environment}, self._folders, trusted)
        if self._secrets is None:
            self._secrets = Secrets(surroundings)
        self._secrets.surroundings = surroundings
        if self._expired:
            self._secrets.expire()
            self._expired = False
        env_has_settings = "env" in vaults or _env_has_settings(surroundings.environment)
        wanted = {
            text
            for text in references([rows.get(name, ()) for name in REFERRING])
            if env_has_settings or not _PLAIN.fullmatch(text.encode())
        }
        return self._secrets.resolve(vaults, wanted)


def _needs_vaults(table: bytes, environment: Values) -> bool:
    """Tell whether a release refers to more than the environment. Cheap: every start asks."""
    if b"{vault://" not in table:
        return False
    if b'"vaults":[' in table or _env_has_settings(os.environ) or _env_has_settings(environment):
        return True
    return any(_PLAIN.fullmatch(found[0]) is None for found in _ANY.finditer(table))


def _env_has_settings(environment: Values) -> bool:
    """Tell whether the vault ``env`` is more than the names of variables."""
    return any(name.startswith("KONG_VAULT_ENV_") for name in environment)
