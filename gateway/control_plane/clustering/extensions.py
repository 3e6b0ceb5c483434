# SPDX-License-Identifier: Apache-2.0
"""What our data planes tell beside Kong's protocol, where somebody wants to know."""

from __future__ import annotations

from gateway.control_plane.traffic import Traffic
from gateway.errors import ClusterError
from gateway.hybrid.extensions import REPORTS, read_report, type_of


class NodeExtensions:
    """Takes messages of data planes that are no part of Kong's protocol."""

    def __init__(self, traffic: Traffic) -> None:
        self.traffic = traffic

    @property
    def names(self) -> str:
        """What data planes are told that they may send."""
        return REPORTS

    def take(self, node: str, frame: bytes) -> bool:
        """Take a message in; False when it is none of ours. Raises ``ClusterError``."""
        kind = type_of(frame)
        if not kind.startswith("kafka_gateway_"):
            return False
        if kind != "kafka_gateway_report":
            raise ClusterError(f"the data plane sent a message that nobody asked for: {kind[:40]}")
        self.traffic.take(node, read_report(frame))
        return True

    def leave(self, node: str) -> None:
        """Note that a data plane's connection has ended."""
        self.traffic.forget(node)
