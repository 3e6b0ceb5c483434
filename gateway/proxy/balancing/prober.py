# SPDX-License-Identifier: Apache-2.0
"""Active checks: peers are probed at intervals, the healthy and the others each at their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gateway.proxy.balancing.health import PeerEvent
from gateway.proxy.balancing.peer import TargetAddress
from gateway.proxy.balancing.probe import TargetProbe

Those = Callable[[bool], Sequence[TargetAddress]]
"""Returns the peers that are healthy, or those that are not."""


class TargetProber:
    """Probes those that ``peers`` returns, and tells ``heard`` what came of each.

    The first probes come an interval after ``start``; no interval is none at all.
    """

    def __init__(
        self,
        active: Mapping[str, Any],
        probe: TargetProbe,
        peers: Those,
        heard: Callable[[TargetAddress, PeerEvent], object],
    ) -> None:
        self._intervals = {
            healthy: float((active.get(name) or {}).get("interval") or 0)
            for healthy, name in ((True, "healthy"), (False, "unhealthy"))
        }
        self._room = asyncio.Semaphore(int(active.get("concurrency") or 10))
        self._probe = probe
        self._peers = peers
        self._heard = heard
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin; needs the running loop."""
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._follow(healthy, interval))
            for healthy, interval in self._intervals.items()
            if interval > 0
        ]

    def close(self) -> None:
        """Probe no more; what comes of probes under way is not heard."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()

    async def _follow(self, healthy: bool, interval: float) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + interval
        while True:
            await asyncio.sleep(max(0.0, due - loop.time()))
            # Rounds that take longer than the interval do not pile up.
            due = max(due + interval, loop.time())
            await asyncio.gather(*(self._one(address) for address in self._peers(healthy)))

    async def _one(self, address: TargetAddress) -> None:
        async with self._room:
            event = await self._probe.run(address)
        if event is not None:
            self._heard(address, event)
