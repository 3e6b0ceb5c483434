# SPDX-License-Identifier: Apache-2.0
"""A circuit breaker: what does not respond is asked again by a probe alone, not by every caller."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from gateway.logs import get_logger
from gateway.tasks import BackgroundTasks

_log = get_logger("gateway.redis")

_FIRST, _LONGEST = 0.05, 2.0
"""Seconds between two probes: they double up to the longest."""


class CircuitBreaker:
    """``reason`` says why callers fail at once; empty: all is well.

    ``probe`` is run until it does not raise. The first probe runs at once, so that a connection
    that broke by chance costs nearly nothing.
    """

    def __init__(self, name: str, probe: Callable[[], Awaitable[None]]) -> None:
        self.reason = ""
        self._name = name
        self._probe = probe
        self._tasks = BackgroundTasks()

    def trip(self, reason: str) -> None:
        """Fail callers from now on, until a probe succeeds."""
        if self.reason:
            return
        self.reason = reason
        _log.error("Redis does not respond as it should", server=self._name, problem=reason)
        self._tasks.start(self._recover())

    async def close(self) -> None:
        """Probe no more."""
        await self._tasks.end()

    async def _recover(self) -> None:
        pause = _FIRST
        while True:
            try:
                await self._probe()
            except Exception as error:
                self.reason = str(error) or type(error).__name__
            else:
                self.reason = ""
                _log.info("Redis responds again", server=self._name)
                return
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST)
