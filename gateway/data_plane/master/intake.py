# SPDX-License-Identifier: Apache-2.0
"""The way in for releases: read, checked, switched to in all workers, and kept in the cache."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.data_plane.low_priority import at_low_priority
from gateway.data_plane.master.cache import ConfigCache
from gateway.data_plane.master.node_release import NodeRelease, check_release, parse_frame
from gateway.data_plane.master.node_secrets import NodeSecrets
from gateway.data_plane.master.supervisor import Supervisor
from gateway.errors import (
    CacheError,
    ClusterError,
    ReleaseRefused,
    SettingsError,
    UnresolvedReference,
)
from gateway.logs import get_logger

_log = get_logger("gateway.master")

ReadEnvironment = Callable[[], Mapping[str, str]]
"""Returns the vault file's values of now. Raises ``SettingsError``."""


class ReleaseIntake:
    """Brings releases to the workers, with the vault file's values of now.

    ``cache`` keeps what comes from a control plane; a node with a declarative file has none.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        environment: Mapping[str, str],
        cache: ConfigCache | None = None,
        secrets: NodeSecrets | None = None,
        read_environment: ReadEnvironment | None = None,
    ) -> None:
        self.environment = environment
        self.secrets = NodeSecrets(supervisor) if secrets is None else secrets
        self._waiting: NodeRelease | None = None
        self.cache = cache
        self._supervisor = supervisor
        self._read_environment = read_environment

    @property
    def hash_in_force(self) -> str:
        """The hash of what workers serve, zeros before anything."""
        return self._supervisor.hash_in_force

    async def take(self, frame: bytes) -> None:
        """Take over what a frame of the control plane holds, if it is something new.

        Raises ``ReleaseRefused``, and ``ClusterError`` for a frame that cannot be read.
        """
        try:
            release = await at_low_priority(parse_frame, frame)
            if release is None or release.hash == self.hash_in_force:
                return
            await at_low_priority(check_release, release)
        except ReleaseRefused as error:
            self._supervisor.refused(error)
            raise
        await self._apply_with_values_of_now(release)
        await self._save(frame)

    async def _apply_with_values_of_now(self, release: NodeRelease) -> None:
        """Apply with what the vault file says now; a refused release leaves the values before."""
        before = self.environment
        if self._read_environment is not None:
            try:
                self.environment = self._read_environment()
            except SettingsError as error:
                _log.error("the vault file cannot be read again", problems=error.problems)
            if self.environment != before:
                self.secrets.expire()
        try:
            await self.apply(release)
        except ReleaseRefused:
            self.environment = before
            raise

    async def apply(self, release: NodeRelease) -> None:
        """Switch all workers to a release that was checked. Raises ``ReleaseRefused``."""
        environment = await self.complete(release)
        await self._supervisor.apply(release, environment)

    async def complete(self, release: NodeRelease) -> Mapping[str, str]:
        """Return the values that a release needs. Raises ``UnresolvedReference``.

        While nothing else is served, the release is kept for ``retry``.
        """
        try:
            found = await self.secrets.complete(release, self.environment)
        except UnresolvedReference as error:
            error.hash = release.hash
            self._supervisor.refused(error)
            self._waiting = release
            raise
        self._waiting = None
        return found

    async def retry(self) -> bool:
        """Try the release again that waits for its secrets; tell whether it serves now."""
        release = self._waiting
        if release is None or self._supervisor.serving is not None:
            return False
        try:
            await self.apply(release)
        except ReleaseRefused:
            return False
        if release.frame:
            await self._save(release.frame)
        return True

    def cached(self) -> NodeRelease | None:
        """Return the cached release, if there is one that can be used."""
        try:
            frame = None if self.cache is None else self.cache.load()
            return None if frame is None else parse_frame(frame)
        except (CacheError, ClusterError, ReleaseRefused) as error:
            _log.warning("no use of the cached configuration", reason=str(error))
            return None

    async def change_cache(self, cache: ConfigCache) -> None:
        """Use another cache, and keep in it what is in force."""
        self.cache = cache
        if self._supervisor.serving is not None:
            await self._save(self._supervisor.serving.frame)

    async def _save(self, frame: bytes) -> None:
        assert self.cache is not None
        try:
            await at_low_priority(self.cache.save, frame)
        except OSError as error:
            _log.error("the configuration could not be cached", reason=error.strerror)
