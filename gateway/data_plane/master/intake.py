# SPDX-License-Identifier: Apache-2.0
"""The way in for releases: read, checked, switched to in all workers, and kept in the cache."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.data_plane.low_priority import at_low_priority
from gateway.data_plane.master.cache import ConfigCache
from gateway.data_plane.master.node_release import NodeRelease, check_release, parse_frame
from gateway.data_plane.master.supervisor import Supervisor
from gateway.errors import CacheError, ClusterError, ReleaseRefused
from gateway.logs import get_logger

_log = get_logger("gateway.master")


class ReleaseIntake:
    """Brings releases to the workers, with the vault file's values of now.

    ``cache`` keeps what comes from a control plane; a node with a declarative file has none.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        environment: Mapping[str, str],
        cache: ConfigCache | None = None,
    ) -> None:
        self.environment = environment
        self.cache = cache
        self._supervisor = supervisor

    @property
    def hash_in_force(self) -> str:
        """The hash of what workers serve, zeros before anything."""
        return self._supervisor.hash_in_force

    async def take(self, frame: bytes) -> None:
        """Take over what a frame of the control plane holds, if it is something new.

        Raises ``ReleaseRefused``, and ``ClusterError`` for a frame that cannot be read.
        """
        release = await at_low_priority(parse_frame, frame)
        if release is None or release.hash == self.hash_in_force:
            return
        try:
            await at_low_priority(check_release, release)
        except ReleaseRefused as error:
            error.hash = release.hash
            self._supervisor.refused(error)
            raise
        await self.apply(release)
        await self._save(frame)

    async def apply(self, release: NodeRelease) -> None:
        """Switch all workers to a release that was checked. Raises ``ReleaseRefused``."""
        await self._supervisor.apply(release, self.environment)

    def cached(self) -> NodeRelease | None:
        """Return the cached release, if there is one that can be used."""
        try:
            frame = None if self.cache is None else self.cache.load()
            return None if frame is None else parse_frame(frame)
        except (CacheError, ClusterError) as error:
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
