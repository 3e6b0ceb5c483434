# SPDX-License-Identifier: Apache-2.0
"""``udp-log`` at work."""

from __future__ import annotations

from typing import Any

from gateway.names.addresses import bare_host
from gateway.plugins.base import PluginContext
from gateway.plugins.logging.datagrams import LIMITS, Datagrams, udp_socket
from gateway.plugins.logging.handler import LogHandler


class UdpLog(LogHandler):
    """Sends each entry as a datagram."""

    name = "udp-log"

    def __init__(self, config: Any, context: PluginContext) -> None:
        super().__init__(config, context)
        self._datagrams = Datagrams(
            f"{config.host}:{config.port}",
            lambda: udp_socket(bare_host(config.host), config.port, config.timeout / 1000),
            self.name,
            context.logs.counts,
        )
        self.use_queue(LIMITS)

    async def send(self, entries: list[bytes]) -> int:
        """Send the entries."""
        return await self._datagrams.send(entries)
