# SPDX-License-Identifier: Apache-2.0
"""A configuration on its way to the connected data planes, and the verdict of each."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from gateway.control_plane.clustering.data_planes import DataPlanes
from gateway.control_plane.clustering.listener import ClusterListener
from gateway.control_plane.clustering.push import Push

Status = Literal["confirmed", "refused", "incompatible", "timeout"]
"""``incompatible``: it lacks what the configuration needs, as it did before this release."""


@dataclass(frozen=True)
class Verdict:
    """What one data plane made of a release."""

    id: str
    hostname: str
    status: Status
    error: str | None = None


class Rollout:
    """Pushes configurations and waits for verdicts. Lives on one event loop."""

    def __init__(self, data_planes: DataPlanes, listener: ClusterListener | None) -> None:
        self._data_planes = data_planes
        self._listener = listener
        self._stopping = False

    def stop(self) -> None:
        """Have calls that wait for data planes return at once."""
        self._stopping = True
        self._data_planes.announce()

    def push(self, push: Push | None, only: Container[str] | None = None) -> None:
        """Push to all data planes, also to those that connect later; do not wait.

        ``only`` limits it to these of the connected ones; without a configuration nothing is
        pushed from now on.
        """
        if self._listener is not None:
            self._listener.push(push, only)

    async def deliver(self, push: Push, wait: float, *, again: bool) -> list[Verdict]:
        """Push, and return the verdict of each connected data plane after at most ``wait`` seconds.

        ``again``: it was pushed before, so only those get it that do not serve it.
        """
        nodes = self._data_planes.connected()
        lacking = {node for node in nodes if self._data_planes.contact(node).withheld is not None}
        self._data_planes.forget_refusals(push.hash)
        self.push(push, self._behind(push, nodes) if again else None)
        return await self.verdicts(push, nodes, wait, lacking)

    async def verdicts(
        self, push: Push, nodes: Iterable[str], wait: float, lacking: Container[str] = ()
    ) -> list[Verdict]:
        """Wait until each of these data planes has responded, at most ``wait`` seconds.

        ``lacking`` are those that lacked a plugin before already.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait
        while True:
            verdicts = [self._verdict(push, node, wait, node in lacking) for node in nodes]
            left = deadline - loop.time()
            done = all(verdict.status != "timeout" for verdict in verdicts)
            if done or left <= 0 or self._stopping:
                return verdicts
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._data_planes.news()

    def _behind(self, push: Push, nodes: Iterable[str]) -> set[str]:
        """Return the data planes that do not serve a configuration."""
        known = {node: self._data_planes.get(node) for node in nodes}
        return {
            node
            for node, found in known.items()
            if found is None or not push.confirmed_by(found.config_hash)
        }

    def _verdict(self, push: Push, node: str, wait: float, lacking: bool) -> Verdict:
        known, contact = self._data_planes.get(node), self._data_planes.contact(node)
        hostname = known.hostname if known is not None else ""
        if known is not None and push.confirmed_by(known.config_hash):
            return Verdict(node, hostname, "confirmed")
        if push.hash in contact.refusals:
            return Verdict(node, hostname, "refused", contact.refusals[push.hash])
        if contact.withheld is not None and contact.withheld[0] == push.hash:
            status: Status = "incompatible" if lacking else "refused"
            return Verdict(node, hostname, status, contact.withheld[1])
        if not contact.sessions:
            return Verdict(node, hostname, "timeout", "disconnected before it confirmed")
        return Verdict(node, hostname, "timeout", f"did not confirm within {wait:g} s")
